"""By which constants scale bytes may be off, as the bytes show it: no catalogue can hold them all."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from fos_ref.check.bench import Bench, Case
from fos_ref.check.flaws.stored import top_byte
from fos_ref.formats.arrays import U8

_LEAST_SHARE = 0.5  #: of the scale bytes looked at, for a difference to be tried as a constant
_LEAST = 4  #: scale bytes with that difference


def offsets(cases: Iterable[Case], bench: Bench) -> tuple[int, ...]:
    """Return the differences from the recipe's scale bytes that half of the sampled blocks share, sorted."""
    made = bench.outcome(())
    assert made is not None
    ends = (0, top_byte(bench.recipe))
    found = (_constant(c.got.pick(bench.index).scales[:, 0], made[1], ends) for c in cases)
    return tuple(sorted({by for by in found if by}))


def _constant(got: U8, want: U8, ends: tuple[int, int]) -> int:
    """Return the difference, -127 to 128, that most bytes have; 0 where no other has a majority.

    A byte at an end of the scale may have been clipped there: it is asked only where all are.
    """
    inside = (got != ends[0]) & (got != ends[1])
    if np.count_nonzero(inside) >= _LEAST:
        got, want = got[inside], want[inside]
    apart = (got.astype(np.int16) - want + 127) % 256 - 127
    values, counts = np.unique(apart, return_counts=True)
    if not len(values):
        return 0
    most = int(np.argmax(counts))
    enough = counts[most] >= max(_LEAST, _LEAST_SHARE * len(apart))
    return int(values[most]) if enough else 0
