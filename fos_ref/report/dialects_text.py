"""The report's section on dialects: which presets give the same bits, and what sets the others apart."""

from __future__ import annotations

import numpy as np

from fos_ref.report.dialects import Matrix
from fos_ref.report.lineup import DISTRIBUTION_LABELS
from fos_ref.report.tables import prose

_INTRO = (
    "Each preset quantizes the same tensors, one in float32 and one in bfloat16, each with its own tensor "
    "amax. Two presets differ in a block when any byte of it differs, scale or codes. Presets that agree on "
    "every block here share a dialect, a row of the picture; on other data they may part, and "
    "`fos recipes diff A B` says where. Lines separate bounds and metrics. `-row` presets take the amax of "
    "each row, so that nearly every scale is another one. The tensor amax of coarse is 6: under the bound "
    "256 the encode scale is exactly 256, and much that is rounded elsewhere is exact here. Presets with a "
    "star have approximate reciprocals: a chip decides some of their blocks, and what is counted here is "
    "what exact reciprocals give. So one of them agrees with others of its dialect by arithmetic only."
)


def dialects_markdown(matrices: list[Matrix]) -> list[str]:
    """Return the paragraphs of the section: the drawn matrices with their dialects, then the others."""
    parts = [_INTRO]
    for m in (m for m in matrices if m.kind.drawn):
        parts += [
            f"### {_name(m)}",
            _summary(m),
            f"![Share of blocks that differ between dialects on {_name(m)}]({m.stem}.png)",
            _table(m),
        ]
    others = [m for m in matrices if not m.kind.drawn]
    parts += ["### Other presets", "As tables only: " + " ".join(_file(m) for m in others)]
    return parts


def _name(m: Matrix) -> str:
    return DISTRIBUTION_LABELS.get(m.distribution, m.distribution)


def _summary(m: Matrix) -> str:
    """Return how many dialects there are and how far apart they are, in numbers."""
    pairs = m.counts[np.triu_indices(len(m.presets), 1)]
    few, many = (
        np.count_nonzero((pairs > 0) & (pairs < m.blocks / 100)),
        np.count_nonzero(pairs > m.blocks / 2),
    )
    return (
        f"{len(m.presets)} presets ({m.kind.title}), {m.blocks:,} blocks, {len(m.dialects())} dialects. Of "
        f"the {len(pairs):,} pairs of presets {np.count_nonzero(pairs == 0):,} agree everywhere, {few:,} "
        f"differ in less than 1 % of the blocks, {many:,} in more than half. All shares are in {m.stem}.csv."
        f"{_chip(m)}"
    )


def _chip(m: Matrix) -> str:
    """Return the sentence on the blocks that a chip decides, empty where all reciprocals are exact."""
    shares = {name: m.decided_by_chip(name) or 0.0 for name in m.undecided}
    if not shares:
        return ""
    most = max(shares, key=lambda name: shares[name])
    presets = "1 preset has" if len(shares) == 1 else f"{len(shares)} presets have"
    return (
        f" {presets} approximate reciprocals: a chip decides up to {_percent(shares[most])} of the blocks "
        f"(`{most}`), counted on {m.sampled:,} of them."
    )


def _table(m: Matrix) -> str:
    rows = [
        [str(n), " ".join(_named(m, m.presets[i]) for i in places), _decided(m, places)]
        for n, places in enumerate(m.dialects(), start=1)
    ]
    return prose([["dialect", "presets", "blocks that a chip decides"], *rows])


def _named(m: Matrix, preset: str) -> str:
    return f"`{preset}`*" if preset in m.undecided else f"`{preset}`"


def _decided(m: Matrix, places: list[int]) -> str:
    """Return the largest share among the presets of a dialect."""
    shares = [m.decided_by_chip(m.presets[i]) for i in places]
    some = [share for share in shares if share is not None]
    return f"up to {_percent(max(some))}" if some else "none"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _file(m: Matrix) -> str:
    counts = f"{len(m.presets)} presets, {len(m.dialects())} dialects in {m.blocks:,} blocks"
    return f"{m.stem}.csv ({m.kind.title}: {counts}).{_chip(m)}"
