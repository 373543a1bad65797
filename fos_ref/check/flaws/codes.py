"""Flaws of the finished code: cut instead of rounded, without its sign, of another code book (N9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from fos_ref.check.flaws.flaw import Flaw, Wrap
from fos_ref.check.signs import by_format, magnitudes, negative, with_sign
from fos_ref.formats import FormatInfo
from fos_ref.formats.arrays import Bool, F32, U8
from fos_ref.model.elements import Grid
from fos_ref.recipes.axes import ElementFormat
from fos_ref.recipes.recipe import Recipe

_SIGN = np.uint8(8)  #: of E2M1
_STANDS_FOR_ZERO = np.float32(0.25)  #: of the least magnitude: its code is zero, but it has a sign


def flaws(r: Recipe) -> Iterator[Flaw]:
    """Yield the flaws of this part of the walk under r."""
    names = " or ".join(fmt.name for fmt in r.element.formats)
    for what, cut in _CUTS:
        yield Flaw("E2m1Truncation", what.replace("E2M1", names), wraps={"cast": _of_cut(cut)})
    for what, cut in _CUTS_OF_E2M1 if r.element_format is ElementFormat.E2M1 else ():
        yield Flaw("E2m1Truncation", what, wraps={"cast": _of_cut(cut)})
    for what, change in _SIGNS:
        yield Flaw("SignLost", what, wraps={"keep": _kept(change)})
        if r.chooses:
            words = f"{what}, in the error too"
            yield Flaw("SignLost", words, wraps={"cast": _cast(change)}, usual=False)
    yield Flaw("SignLost", "negative values count as zero", wraps={"scaling": _positive})
    if r.element_format is not ElementFormat.E2M1:
        return
    for largest, step in ((1.75, 0.25), (3.5, 0.5), (7.0, 1.0), (6.0, 6 / 7)):
        what = f"codes are of an evenly spaced code book up to {largest:g}: E1M2, not E2M1"
        yield Flaw("Unexplained", what, wraps={"cast": _book(step)}, usual=False)


# --- cut -----------------------------------------------------------------------------------------------


def _toward_zero(m: F32, values: F32) -> F32:
    return values[np.clip(np.searchsorted(values, m, side="right") - 1, 0, len(values) - 1)]


def _below(y: F32, values: F32) -> F32:
    """Return |y| moved to the next grid value toward minus infinity."""
    m = np.abs(y)
    up = values[np.clip(np.searchsorted(values, m, side="left"), 0, len(values) - 1)]
    return np.where(np.signbit(y), up, _toward_zero(m, values))


#: (scaled values, magnitudes of the format) -> magnitudes
Cut: TypeAlias = Callable[[F32, F32], F32]
_CUTS: tuple[tuple[str, Cut], ...] = (
    ("scaled magnitudes go to the next E2M1 value toward zero", lambda y, g: _toward_zero(np.abs(y), g)),
    ("scaled values go to the next E2M1 value below, of a negative one the larger magnitude", _below),
)
_CUTS_OF_E2M1: tuple[tuple[str, Cut], ...] = (
    ("scaled magnitudes are cut to halves before their rounding", lambda y, _: np.floor(np.abs(y) * 2) / 2),
    ("scaled magnitudes are cut to whole numbers before their rounding", lambda y, _: np.floor(np.abs(y))),
)


def _of_cut(cut: Cut) -> Wrap:
    """Return the wrap that cuts magnitudes up to the largest, then casts; what was no zero keeps its sign."""

    def wrap(old: Any) -> Any:
        def cast(y: F32, r: Recipe, grid: Grid) -> tuple[U8, F32]:
            values = grid.values[: grid.format.max_code + 1]
            m = cut(y, values)
            m = np.where((m == 0) & (y != 0), values[1] * _STANDS_FOR_ZERO, m)
            inside = np.abs(y) < values[-1]
            return tuple(old(np.where(inside, np.copysign(m, y), y).astype(np.float32), r, grid))

        return cast

    return wrap


# --- signs ---------------------------------------------------------------------------------------------

#: (magnitudes, where a code is negative) -> where it is instead
Turn: TypeAlias = Callable[[U8, Bool], Any]
_SIGNS: tuple[tuple[str, Turn], ...] = (
    ("no code has a sign", lambda m, minus: np.zeros_like(minus)),  # noqa: ARG005
    ("every sign is turned", lambda m, minus: ~minus),  # noqa: ARG005
    ("every sign is turned, zeros aside", lambda m, minus: minus ^ (m > 0)),
    ("every code has a sign", lambda m, minus: np.ones_like(minus)),  # noqa: ARG005
)


def _turned(turn: Turn, codes: U8, fmt: FormatInfo) -> U8:
    size = magnitudes(codes, fmt)
    return with_sign(size, turn(size, negative(codes, fmt)), fmt)


def _kept(turn: Turn) -> Wrap:
    def wrap(old: Any) -> Any:
        def keep(*given: Any) -> tuple[U8, U8]:
            codes, scales = old(*given)
            return by_format(partial(_turned, turn), codes, scales, given[-1]), scales

        return keep

    return wrap


def _cast(turn: Turn) -> Wrap:
    def wrap(old: Any) -> Any:
        def cast(y: F32, r: Recipe, grid: Grid) -> tuple[U8, F32]:
            codes, values = old(y, r, grid)
            new = _turned(turn, codes, grid.format)
            minus = negative(new, grid.format)
            return new, np.copysign(values, np.where(minus, np.float32(-1), np.float32(1)))

        return cast

    return wrap


def _positive(old: Any) -> Any:
    return lambda blocks, s, r: np.maximum(old(blocks, s, r), np.float32(0))


# --- another code book ---------------------------------------------------------------------------------


def _book(step: float) -> Wrap:
    """Return the wrap that rounds to eight even steps; signs and zeros as E2M1 has them."""

    def wrap(old: Any) -> Any:
        def cast(y: F32, r: Recipe, grid: Grid) -> tuple[U8, F32]:
            codes, _ = old(y, r, grid)
            count = np.minimum(np.rint(np.abs(y) / np.float32(step)), np.float32(7))
            finite = np.where(np.isnan(count), np.float32(0), count).astype(np.uint8)
            new = np.where(np.isnan(y), codes, (codes & _SIGN) | finite).astype(np.uint8)
            return new, np.copysign(finite * np.float32(step), y).astype(np.float32)

        return cast

    return wrap
