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
    "256 the encode scale is exactly 256, and much that is rounded elsewhere is exact here."
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
    )


def _table(m: Matrix) -> str:
    rows = [
        [str(n), " ".join(f"`{m.presets[i]}`" for i in places)]
        for n, places in enumerate(m.dialects(), start=1)
    ]
    return prose([["dialect", "presets"], *rows])


def _file(m: Matrix) -> str:
    counts = f"{len(m.presets)} presets, {len(m.dialects())} dialects in {m.blocks:,} blocks"
    return f"{m.stem}.csv ({m.kind.title}: {counts})."
