"""Block scale bytes that no recipe makes of finite values, and bytes of padding that are not zero."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fos_ref.inspect.problems import counted, joined, Kind, Problem
from fos_ref.inspect.walk import Walk
from fos_ref.inspect.weight import WeightFound
from fos_ref.storage.held_bytes import codes_of, padding_of, row_chunks, scales_of
from fos_ref.storage.shards import Shards

_MANY = 0.01  #: share of a weight's blocks that may have zero scales over codes: tiny blocks of some recipes


def odd_bytes(file: Shards, weights: Sequence[WeightFound], walk: Walk | None) -> list[Problem]:
    """Return NaN block scales, zero block scales over codes, and padding that is not zero."""
    said: list[tuple[Kind, str, str]] = []
    for w in weights:
        name, counts = w.held.name, w.facts.counts
        if n := counts["nan_scales"]:
            said.append(
                (Kind.ZERO_OR_NAN, name, f"{counted(n, 'block scale')} of {counts['blocks']:,} {_be(n)} NaN")
            )
        n = counts["zero_scales_over_codes"]
        explained = w.blocks > 0 and w.equal == w.blocks
        if n > _MANY * counts["blocks"] and not explained:
            what = f"{counted(n, 'block scale')} of {counts['blocks']:,} {_be(n)} 0 over codes that are not"
            said.append((Kind.ZERO_OR_NAN, name, what))
        said += _padding(file, w, walk)
    return joined(said)


def _be(n: int) -> str:
    return "is" if n == 1 else "are"


def _padding(file: Shards, w: WeightFound, walk: Walk | None) -> list[tuple[Kind, str, str]]:
    said = []
    if not w.held.interleaved and w.held.scale_bytes > w.held.blocks:
        padding = padding_of(scales_of(file, w.held), w.held, w.reading.layout)
        if n := int(np.count_nonzero(padding)):
            what = (
                f"{counted(n, 'byte')} of {padding.size:,} in the padding of its block scales {_be(n)} not 0"
            )
            said.append((Kind.PADDING, w.held.name, what))
    source = walk.sources.get(w.held.name) if walk is not None else None
    if source is not None and w.held.shape != source.real and (n := _codes_beyond(file, w, source.real)):
        said.append(
            (
                Kind.PADDING,
                w.held.name,
                f"{counted(n, 'code')} in the padding beyond the original's shape {_be(n)} not 0",
            )
        )
    return said


def _codes_beyond(file: Shards, w: WeightFound, real: tuple[int, int]) -> int:
    """Count the codes other than zero in rows and columns that the original does not have."""
    count = 0
    for rows in row_chunks(w.held):
        codes = codes_of(file, w.held, rows)
        packed = w.reading.codes(codes, w.held.block) & np.uint8(0x77)
        values = np.stack([packed & np.uint8(7), packed >> np.uint8(4)], axis=-1).reshape(len(packed), -1)
        keep = max(0, min(real[0], rows.stop) - rows.start)
        count += int(np.count_nonzero(values)) - int(np.count_nonzero(values[:keep, : real[1]]))
    return count
