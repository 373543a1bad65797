"""Flaws of the finished code: cut instead of rounded, without its sign, of another code book (N9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from fos_ref.check.flaws.flaw import Flaw, Wrap
from fos_ref.formats import E2M1
from fos_ref.formats.arrays import F32, U8
from fos_ref.model.elements import E2M1_VALUES
from fos_ref.recipes.recipe import Recipe

_GRID = E2M1_VALUES[:8]
_SIGN, _MAGNITUDE = np.uint8(8), np.uint8(7)
_STANDS_FOR_ZERO = np.float32(0.125)  #: a magnitude whose code is zero, and which is not zero: it has a sign


def flaws(r: Recipe) -> Iterator[Flaw]:
    """Yield the flaws of this part of the walk under r."""
    if r.element.first.format is not E2M1:
        return
    for what, cut in _CUTS:
        yield Flaw("E2m1Truncation", what, wraps={"cast": _of_cut(cut)})
    for what, change in _SIGNS:
        yield Flaw("SignLost", what, wraps={"keep": _kept(change)})
        if r.chooses:
            words = f"{what}, in the error too"
            yield Flaw("SignLost", words, wraps={"cast": _cast(change)}, usual=False)
    yield Flaw("SignLost", "negative values count as zero", wraps={"scaling": _positive})
    for largest, step in ((1.75, 0.25), (3.5, 0.5), (7.0, 1.0), (6.0, 6 / 7)):
        what = f"codes are of an evenly spaced code book up to {largest:g}: E1M2, not E2M1"
        yield Flaw("Unexplained", what, wraps={"cast": _book(step)}, usual=False)


# --- cut -----------------------------------------------------------------------------------------------


def _toward_zero(m: F32) -> F32:
    return _GRID[np.clip(np.searchsorted(_GRID, m, side="right") - 1, 0, 7)]


def _below(y: F32) -> F32:
    """Return |y| moved to the next grid value toward minus infinity."""
    m = np.abs(y)
    up = _GRID[np.clip(np.searchsorted(_GRID, m, side="left"), 0, 7)]
    return np.where(np.signbit(y), up, _toward_zero(m))


_CUTS: tuple[tuple[str, Callable[[F32], F32]], ...] = (
    ("scaled magnitudes go to the next E2M1 value toward zero", lambda y: _toward_zero(np.abs(y))),
    ("scaled values go to the next E2M1 value below, of a negative one the larger magnitude", _below),
    ("scaled magnitudes are cut to halves before their rounding", lambda y: np.floor(np.abs(y) * 2) / 2),
    ("scaled magnitudes are cut to whole numbers before their rounding", lambda y: np.floor(np.abs(y))),
)


def _of_cut(cut: Callable[[F32], F32]) -> Wrap:
    """Return the wrap that cuts magnitudes up to 6, then casts; what was no zero keeps its sign."""

    def wrap(old: Any) -> Any:
        def cast(y: F32, r: Recipe, grid: Any) -> tuple[U8, F32]:
            m = cut(y)
            m = np.where((m == 0) & (y != 0), _STANDS_FOR_ZERO, m)
            inside = np.abs(y) < _GRID[-1]
            return tuple(old(np.where(inside, np.copysign(m, y), y).astype(np.float32), r, grid))

        return cast

    return wrap


# --- signs ---------------------------------------------------------------------------------------------


def _turned_but_zeros(codes: U8) -> Any:
    return np.where(codes & _MAGNITUDE, codes ^ _SIGN, codes)


_SIGNS: tuple[tuple[str, Callable[[U8], Any]], ...] = (
    ("no code has a sign", lambda codes: codes & _MAGNITUDE),
    ("every sign is turned", lambda codes: codes ^ _SIGN),
    ("every sign is turned, zeros aside", _turned_but_zeros),
    ("every code has a sign", lambda codes: codes | _SIGN),
)


def _kept(change: Callable[[U8], Any]) -> Wrap:
    def wrap(old: Any) -> Any:
        def keep(*given: Any) -> tuple[U8, U8]:
            codes, scales = old(*given)
            return np.asarray(change(codes), dtype=np.uint8), scales

        return keep

    return wrap


def _cast(change: Callable[[U8], Any]) -> Wrap:
    def wrap(old: Any) -> Any:
        def cast(y: F32, r: Recipe, grid: Any) -> tuple[U8, F32]:
            codes, values = old(y, r, grid)
            new = np.asarray(change(codes), dtype=np.uint8)
            return new, np.copysign(values, np.where(new & _SIGN, np.float32(-1), np.float32(1)))

        return cast

    return wrap


def _positive(old: Any) -> Any:
    return lambda blocks, s, r: np.maximum(old(blocks, s, r), np.float32(0))


# --- another code book ---------------------------------------------------------------------------------


def _book(step: float) -> Wrap:
    """Return the wrap that rounds to eight even steps; signs and zeros as E2M1 has them."""

    def wrap(old: Any) -> Any:
        def cast(y: F32, r: Recipe, grid: Any) -> tuple[U8, F32]:
            codes, _ = old(y, r, grid)
            count = np.minimum(np.rint(np.abs(y) / np.float32(step)), np.float32(7))
            finite = np.where(np.isnan(count), np.float32(0), count).astype(np.uint8)
            new = np.where(np.isnan(y), codes, (codes & _SIGN) | finite).astype(np.uint8)
            return new, np.copysign(finite * np.float32(step), y).astype(np.float32)

        return cast

    return wrap
