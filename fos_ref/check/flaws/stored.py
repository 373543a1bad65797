"""Flaws of the stored block scale byte: a carry is lost, or a constant is added."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from fos_ref.check.flaws.books import BINADE, book_of, FIRST_NORMAL, MANTISSA
from fos_ref.check.flaws.flaw import Flaw, Wrap
from fos_ref.check.flaws.scales import Recode, recoded
from fos_ref.formats.arrays import F32, U8
from fos_ref.model.candidates import cast_scale
from fos_ref.recipes.recipe import Recipe

#: bytes, constant -> bytes
Shift: TypeAlias = Callable[[U8, int], Any]

_USUAL_E4M3, _USUAL_E8M0 = (1, -1, 8, -8), (1, -1)


def flaws(r: Recipe) -> Iterator[Flaw]:
    """Yield the flaws of this part of the walk under r."""
    k = book_of(r)
    if k is not None:
        for words, recode in _CARRIES:
            what = f"where rounding carries out of the block scale's mantissa, {words}"
            yield from _with_codes("ScaleCarry", what, recode)
    for by in _USUAL_E8M0 if k is None else _USUAL_E4M3:
        yield from offset(r, by, _SHIFTS[:1])


def offset(r: Recipe, by: int, shifts: tuple[tuple[str, Shift], ...] = ()) -> Iterator[Flaw]:
    """Yield the flaws of scale bytes that are off by one constant."""
    top = top_byte(r)
    for words, shift in shifts or (*_SHIFTS, (f"; between 0 and {top}", _clipped(top))):
        what = f"every block scale byte is {abs(by)} too {'high' if by > 0 else 'low'}{words}"
        yield from _with_codes("ScaleOffset", what, _shifted(shift, by), usual=bool(shifts))


def top_byte(r: Recipe) -> int:
    """Return where scale bytes end: at the largest number, or at NaN where they are powers of two."""
    k = book_of(r)
    return 0xFF if k is None else int(k.largest)


def _with_codes(flag: str, what: str, recode: Recode, *, usual: bool = True) -> Iterator[Flaw]:
    """Yield the mistake in the byte alone, and in the value that the codes are made with."""
    cast = recoded(recode)
    alone: dict[str, Wrap] = {"cast_scale": cast, "read_scale": _right}
    yield Flaw(flag, f"{what}; the codes are right", wraps=alone, usual=usual)
    yield Flaw(flag, f"{what}; the codes follow", wraps={"cast_scale": cast}, usual=usual)


def _right(_: Any) -> Any:
    """Return the step that makes codes with the block scale as it should have been stored."""

    def read(base: F32, _byte: U8, _value: F32, r: Recipe) -> tuple[F32, F32]:
        value = cast_scale(base, r)[1]
        return value, value

    return read


def _carried(base: F32, c: U8, v: F32) -> Any:
    return (c & MANTISSA == 0) & (c > 0) & (v > base) & np.isfinite(v)


_CARRIES: tuple[tuple[str, Recode], ...] = (
    (
        "the exponent stays: the byte is 8 too low",
        lambda base, c, v: np.where(_carried(base, c, v), c - BINADE, c),
    ),
    (
        "the exponent stays, subnormals aside",
        lambda base, c, v: np.where(_carried(base, c, v) & (c > FIRST_NORMAL), c - BINADE, c),
    ),
    ("the mantissa stays at 7/8", lambda base, c, v: np.where(_carried(base, c, v), c - 1, c)),
)


def _shifted(shift: Shift, by: int) -> Recode:
    return lambda _base, c, _v: shift(c, by)


def _clipped(top: int) -> Shift:
    return lambda c, by: np.clip(c.astype(np.int16) + by, 0, top)


_SHIFTS: tuple[tuple[str, Shift], ...] = (
    ("", lambda c, by: (c.astype(np.int16) + by) & 0xFF),
    ("; zero stays", lambda c, by: np.where(c == 0, 0, (c.astype(np.int16) + by) & 0xFF)),
)
