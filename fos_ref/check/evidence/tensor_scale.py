"""Which tensor scale made these scale bytes? Each byte bounds it; many bounds meet in a narrow interval.

A block of amax b whose byte stands for unrounded scales from l to h had a tensor scale from 6l/b to 6h/b, and
under a 4/6 rule one from 4l/b to 4h/b as well. The tensor scale is where the most intervals meet. A few
blocks that deviate empty nothing; they are counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fos_ref.check.bench import Case
from fos_ref.check.evidence.cells import magnitude_bytes, ROUNDINGS, scale_cells
from fos_ref.check.population import BLOCK
from fos_ref.formats.arrays import AnyArray, Bool, F64, I64
from fos_ref.recipes.axes import Candidates
from fos_ref.recipes.recipe import Recipe

SAMPLE = 1 << 15  #: blocks on which the place where most intervals meet is looked for
LEAST = 0.65  #: of the blocks, for an interval to be told
FOLLOWS = 0.9  #: of the blocks, for the bytes to follow a tensor scale
_LEAST_BLOCKS = 4
_NEARLY = 0.97  #: of the blocks that agree in the middle, at the ends of an interval of which many deviate
_STEPS, _STEP = 24, 2.0**-8  #: to either side, in powers of two, in which such an interval is told


@dataclass(frozen=True, slots=True)
class Bounds:
    """For each block that tells something: the tensor scales that its byte allows, one interval or two."""

    low: F64  #: (K, N)
    high: F64  #: (K, N)
    index: I64  #: (N,) of the blocks

    def allow(self, s: F64 | float) -> Bool:
        """Return (N,): the blocks that allow s, one for all or one for each."""
        return np.asarray(((self.low <= s) & (s <= self.high)).any(axis=0))

    def share(self, s: F64 | float) -> float:
        """Return the share of blocks that allow s."""
        return float(self.allow(s).mean()) if len(self.index) else 0.0


@dataclass(frozen=True, slots=True)
class Solved:
    """The interval in which the bounds meet."""

    low: float
    high: float
    agree: int  #: blocks that allow it
    of: int  #: blocks that tell something
    rounding: str  #: of the block scale, under which the most blocks agree

    @property
    def share(self) -> float:
        """The share of blocks that agree."""
        return self.agree / self.of if self.of else 0.0

    @property
    def follows(self) -> bool:
        """Whether nearly all blocks agree, and so many that it is no chance."""
        return self.share >= FOLLOWS and self.agree >= _LEAST_BLOCKS

    @property
    def middle(self) -> float:
        """One tensor scale of the interval."""
        return float(np.sqrt(self.low) * np.sqrt(self.high))

    def holds(self, s: float) -> bool:
        """Return whether s is in the interval."""
        return self.low <= s <= self.high


def bounds(c: Case, r: Recipe, index: I64, rounding: str = "nearest") -> Bounds | None:
    """Return the bounds of some blocks; None for scale bytes that tell of no tensor scale."""
    cells = scale_cells(r, rounding)
    if cells is None:
        return None
    bytes_ = magnitude_bytes(c.got.scales[index, 0], r)
    amax = _block_amax(c, index).astype(np.float64)
    tells = (amax > 0) & np.isfinite(amax) & c.got.seen[index] & (cells.low[bytes_] <= cells.high[bytes_])
    amax, bytes_ = amax[tells], bytes_[tells]
    maps_to = (6.0, 4.0) if r.candidates is Candidates.FOUR_OVER_SIX else (float(r.element_max),)
    with np.errstate(over="ignore"):
        low = np.stack([cells.low[bytes_] * m / amax for m in maps_to])
        high = np.stack([cells.high[bytes_] * m / amax for m in maps_to])
    return Bounds(low, high, index[tells])


def _block_amax(c: Case, index: I64) -> AnyArray:
    amax = c.source.amaxes[BLOCK]
    rows, cols = np.divmod(index, c.source.blocks.shape[1])
    return np.asarray(amax[rows, cols])


def solve(c: Case, r: Recipe, expected: float | None, index: I64 | None = None) -> Solved | None:
    """Return where the bounds meet: around `expected` where it does as well as any; None where they do not.

    index: some of the blocks; None: all
    """
    every = np.arange(c.source.size) if index is None else index
    found = [s for s in (_solved(c, r, every, rounding, expected) for rounding in ROUNDINGS) if s is not None]
    best = max(found, key=lambda s: s.agree, default=None)  # the first of equals: to nearest
    if found and best is not found[0] and best is not None and best.agree <= found[0].agree * 1.02:
        best = found[0]
    return best if best is not None and best.share >= LEAST and best.agree >= _LEAST_BLOCKS else None


def _solved(c: Case, r: Recipe, every: I64, rounding: str, expected: float | None) -> Solved | None:
    rng = np.random.Generator(np.random.Philox(key=np.array([0, 0x5CA1], dtype=np.uint64)))
    some = np.sort(rng.choice(every, SAMPLE, replace=False)) if len(every) > SAMPLE else every
    b = bounds(c, r, some, rounding)
    if b is None or not len(b.index) or not np.isfinite(b.high).any():
        return None
    meet = _meeting(b, expected)
    if meet is None or b.share(meet) < LEAST:
        return None
    b = bounds(c, r, every, rounding)
    assert b is not None
    inside = (b.low <= meet) & (meet <= b.high)
    low, high = float(b.low[inside].max()), float(b.high[inside].min())
    if not np.isfinite(high) or low <= 0:
        return None
    agree = int(np.count_nonzero(inside.any(axis=0)))
    if agree < FOLLOWS * len(b.index):  # too many deviate for the bounds to be sharp
        about = _about(b, meet, agree)
        low, high = min(low, about[0]), max(high, about[1])
    return Solved(low, high, agree, len(b.index), rounding)


def _about(b: Bounds, meet: float, agree: int) -> tuple[float, float]:
    """Return how far around `meet` nearly as many blocks agree."""
    steps = meet * 2.0 ** (np.arange(-_STEPS, _STEPS + 1) * _STEP)
    good = np.array([np.count_nonzero(b.allow(float(s))) >= _NEARLY * agree for s in steps])
    bad_below, bad_above = np.flatnonzero(~good[:_STEPS]), np.flatnonzero(~good[_STEPS:])
    first = bad_below[-1] + 1 if len(bad_below) else 0
    last = _STEPS + bad_above[0] - 1 if len(bad_above) else 2 * _STEPS
    return float(steps[first]), float(steps[last])


def _meeting(b: Bounds, expected: float | None) -> float | None:
    """Return a tensor scale that the most blocks allow; `expected` where none does better."""
    low, high = b.low.ravel(), np.minimum(b.high.ravel(), np.finfo(np.float64).max)
    at = np.concatenate([low, high])
    order = np.lexsort((np.repeat([0, 1], len(low)), at))
    depth = np.cumsum(np.where(order < len(low), 1, -1))
    deepest = int(depth.max())
    if expected is not None and np.count_nonzero((low <= expected) & (expected <= high)) >= deepest:
        return expected
    places = np.flatnonzero(depth == deepest)
    tiny = np.finfo(np.float64).tiny
    starts, ends = (np.maximum(at[order[np.minimum(places + k, len(order) - 1)]], tiny) for k in (0, 1))
    widest = int(np.argmax(np.log(ends) - np.log(starts)))
    return float(np.sqrt(starts[widest]) * np.sqrt(ends[widest]))


def saturated(c: Case) -> int | None:
    """Return the byte that every known block scale has, if it is one; None otherwise."""
    bytes_ = c.got.scales[c.got.seen]
    if not bytes_.size or (bytes_ != bytes_.flat[0]).any():
        return None
    return int(bytes_.flat[0])
