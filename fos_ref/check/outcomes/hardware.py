"""Blocks whose bytes a chip decides: some reciprocals one unit off give the very bytes that were given.

As `hardware_decides` of fos_ref/dialects/hardware.py, block by block, and with a question more: are these
bytes among those that a chip may give? A block that a chip decides may still be wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from fos_ref.check.bench import Case
from fos_ref.check.flaws.flaw import Flaw, steps_with
from fos_ref.check.outcomes.outcome import Outcome
from fos_ref.check.steps import Step, Steps, walk, Walked
from fos_ref.check.subject import subject
from fos_ref.dialects.hardware import approximate, ULPS
from fos_ref.engines.given import Fixed
from fos_ref.formats.arrays import AnyArray, Bool, F32, I64, U8
from fos_ref.recipes.axes import Reciprocal
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.layout import stored

FLAG = "HardwareDecides"
WHAT = "a reciprocal of the chip's, one unit off, gives these bytes"
_SAMPLE = 1 << 12  #: blocks on which it is seen whether a chip decides any share of them
_LEAST = 0.02  #: of these, for all to be tried
_UNITS = sorted(product(ULPS, ULPS, ULPS), key=lambda u: sum(map(abs, u)))


def hardware(c: Case, r: Recipe, index: I64, flaws: tuple[Flaw, ...] = ()) -> Bool:
    """Return, for blocks at `index`, where approximate reciprocals give the bytes that were given.

    Nowhere under a recipe of exact reciprocals.
    """
    steps = steps_with(r, flaws)
    found: Bool = np.zeros(len(index), dtype=np.bool_)
    if steps is None or steps.recipe.reciprocal is not Reciprocal.APPROXIMATE or not len(index):
        return found
    if len(index) > _SAMPLE:
        some = index[:: len(index) // _SAMPLE]
        if _decided(c, steps, some).mean() < _LEAST:
            return found
    return _decided(c, steps, index)


def outcome(c: Case, r: Recipe) -> Outcome | None:
    """Return the blocks of a reading that a chip decides; None where there are none."""
    blocks: Bool = np.zeros(c.source.size, dtype=np.bool_)
    index = np.flatnonzero(c.differing & c.got.seen)
    blocks[index] = hardware(c, r, index)
    return Outcome(FLAG, WHAT, blocks) if blocks.any() else None


def hardware_decided(x: AnyArray, codes: U8, scales: U8, r: Recipe, amax: Any = None) -> Bool:
    """Return (R, blocks of a row): where the bytes of x differ from the recipe's as a chip may have them.

    Shapes: x (R, C), codes (R, C/2), scales (R, blocks of a row), linear
    """
    c = subject(x, codes, scales, recipe=r, fixed=Fixed(amax), scale_layout="linear").first_case()
    found = outcome(c, r)
    blocks = np.zeros(c.source.size, dtype=np.bool_) if found is None else found.blocks
    return np.repeat(blocks.reshape(c.source.blocks.shape[:2]), r.block_rows, axis=0)


@dataclass(slots=True)
class _Side:
    """A candidate over all units: where its bytes were ever the given ones, and how far its error moved."""

    same: Bool
    least: F32
    most: F32

    def see(self, at: I64, same: Bool, error: F32) -> None:
        """Take in what the candidate is for some blocks under other units."""
        self.same[at] |= same
        self.least[at] = np.fmin(self.least[at], error)
        self.most[at] = np.fmax(self.most[at], error)


def _decided(c: Case, steps: Steps, index: I64) -> Bool:
    """Return where a candidate that a chip may prefer has the given bytes; what is settled drops out."""
    sides = [
        _Side(
            np.zeros(len(index), dtype=np.bool_),
            np.full(len(index), np.inf, np.float32),
            np.full(len(index), -np.inf, np.float32),
        )
        for _ in range(2)
    ]
    found: Bool = np.zeros(len(index), dtype=np.bool_)
    for units in _UNITS:
        left = np.flatnonzero(~found)
        if not len(left):
            break
        w = walk(c.source.pick(index[left]), replace(steps, scales=_moved(steps.scales, units, steps.recipe)))
        got = c.got.pick(index[left])
        if w.map6 is None or w.map4 is None or w.map6.error is None:
            found[left] = got.equal(w.codes, w.scale)
            continue
        for side, four in zip(sides, (False, True), strict=True):
            side.see(left, got.equal(*_bytes(w, steps, four=four)), _error(w, four=four))
        six, four_ = sides
        found = (six.same & (six.least <= four_.most)) | (four_.same & (four_.least <= six.most))
    return found


def _bytes(w: Walked, steps: Steps, *, four: bool) -> tuple[U8, U8]:
    codes, scale = steps.keep(w.map6, w.map4, np.full((len(w.scale), 1), four), steps.recipe)
    return stored(codes[:, 0], steps.recipe), scale[:, 0]


def _error(w: Walked, *, four: bool) -> F32:
    side = w.map4 if four else w.map6
    assert side is not None
    return np.asarray(side.error, dtype=np.float32)[:, 0]


def _moved(old: Step, units: tuple[int, int, int], r: Recipe) -> Step:
    def scales(t: Any) -> Any:
        with np.errstate(all="ignore"):
            return approximate(old(t), units, r)

    return scales
