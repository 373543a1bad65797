"""What was given: codes one a byte, scale bytes in rows; and how badly values fit them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from fos_ref.check.layouts import readings
from fos_ref.check.stochastic.settings import Setting
from fos_ref.check.subject import Subject
from fos_ref.formats import E2M1
from fos_ref.formats.arrays import AnyArray, Bool, F64, U8
from fos_ref.model.blocks import from_blocks
from fos_ref.model.stochastic import ELEMENT_ROUNDING
from fos_ref.random.judge import Outcomes, outcomes
from fos_ref.random.rules import Rule
from fos_ref.recipes.axes import ElementRounding, ZeroSign
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.layout import one_a_byte

_MANY = 2  #: another layout has to fit so many times better
_FEW = 0.5  #: of the blocks that do not fit, for another layout to be looked at


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """One reading of the bytes."""

    flags: tuple[str, ...]
    what: str
    codes: U8  #: (R, C) one a byte
    scales: U8  #: (R, B)


def givens(s: Subject, r: Recipe) -> Iterator[Given]:
    """Yield the readings that hold every byte, the one that was asked for first."""
    for reading in readings(s.codes, s.scales, r, s.asked):
        found = reading.blocks(r)
        if found.known is not None and not found.known.all():
            continue
        shape = (s.x.shape[0] // r.block_rows, s.x.shape[1] // r.block_cols)
        rows, width = r.block_rows, r.block_cols // r.codes_per_byte
        codes = from_blocks(found.codes.reshape(*shape, rows * width), rows, width)
        scales = from_blocks(found.scales.reshape(*shape, rows), rows, 1)
        yield Given(reading.flags, reading.what, one_a_byte(codes, r), scales)


def values_of(s: Setting) -> F64:
    """Return the scaled values, finite: what is NaN counts as zero, and infinity as a large value."""
    return np.nan_to_num(s.scaled.astype(np.float64), nan=0.0, posinf=1e30, neginf=-1e30)


def codes_of(g: Given, s: Setting, r: Recipe) -> U8:
    """Return codes whose zeros have the value's sign where the recipe has a rule of its own for them."""
    if r.zero_sign is ZeroSign.SIGN_BIT:
        return g.codes
    sign = (np.signbit(s.scaled) & ~np.isnan(s.scaled)).astype(np.uint8) << E2M1.sign_shift
    return np.where(g.codes & np.uint8(E2M1.max_code), g.codes, sign.astype(np.uint8))


def seen(g: Given, s: Setting, r: Recipe, rule: Rule | None, bits: int) -> Outcomes:
    """Return what became of each value; NaN is never illegal."""
    found = outcomes(values_of(s), codes_of(g, s, r), rule, bits)
    zero = np.repeat(g.scales & 0x7F == 0, r.block_cols, axis=1)  # any code is worth 0 there
    legal = found.legal | np.isnan(s.scaled) | zero
    if r.element_rounding is ElementRounding.QUARTET2_SIMULATOR:  # it moves values of the format too
        legal |= found.moved
    if r.element_rounding is ElementRounding.FOUROVERSIX_TORCH:  # its noise is a step of the wider side
        legal |= _between_extremes(g, s, r)
    return Outcomes(legal, found.moved, found.up, found.chance, found.step)


def _between_extremes(g: Given, s: Setting, r: Recipe) -> Bool:
    """Return where a code lies between those that the smallest and the largest random number give."""
    y = values_of(s).astype(np.float32)
    own, ends = ELEMENT_ROUNDING[r.element_rounding], (0, (1 << r.random_width) - 1)
    low, high = (own(y, np.full(y.shape, n, np.uint32), r.random_width) for n in ends)
    grid = [np.where(c & 8, -1, 1) * (c & 7).astype(np.int64) for c in (low, codes_of(g, s, r), high)]
    legal: Bool = (np.minimum(grid[0], grid[2]) <= grid[1]) & (grid[1] <= np.maximum(grid[0], grid[2]))
    return legal


def bad_blocks(g: Given, s: Setting, r: Recipe) -> Bool:
    """Return (R, B): where a scale byte differs or a code is no neighbour, undecided blocks apart."""
    legal = seen(g, s, r, None, 0).legal
    illegal = ~legal.reshape(*g.scales.shape, r.block_cols).all(axis=2)
    bad: Bool = ((g.scales != s.scales) | illegal) & ~s.open
    return bad


def best_reading(s: Subject, r: Recipe, make: Any) -> tuple[Given, Setting, Bool]:
    """Return the reading that fits, its setting, and its bad blocks; another one only if it is far better."""
    found: tuple[Given, Setting, Bool] | None = None
    for g in givens(s, r):
        own = make(g.scales)
        bad = bad_blocks(g, own, r)
        if found is None or _MANY * bad.sum() < found[2].sum():
            found = g, own, bad
        if bad.sum() <= _FEW * bad.size:
            break
    assert found is not None
    return found


def masked(a: AnyArray, away: Bool, cols: int) -> AnyArray:
    """Return an array (R, C) with zeros in the blocks (R, B) that say nothing."""
    return np.where(np.repeat(away, cols, axis=1), np.zeros((), a.dtype), a)
