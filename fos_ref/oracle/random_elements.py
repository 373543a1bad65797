"""The oracle's stochastic rounding of elements, on exact rationals (N9). Nothing is shared with the model."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import isnan, nan
from typing import assert_never

from fos_ref.oracle import stochastic
from fos_ref.oracle.exact import add, div, E2M1, from_bits, least, mul, nearest_multiple, ONE, rounded, Value
from fos_ref.recipes.axes import ElementRounding, RandomFeed
from fos_ref.recipes.recipe import Recipe

_TWO_TO_32 = 1 << 32
_GRID = [Fraction(v, ONE) for v in E2M1]
_HALF = ONE // 2
_UNIFORM_STEP = from_bits(0x2FFFFFFF)  #: Triton's, a little below 2^-31
#: Feed -> of each value of a word its bits as (lowest, count), the top ones first; None: the last reversed.
_PARTS = {
    "byte-lane": ([(0, 8)], [(16, 8)], [(8, 8)], [(24, 8)]),
    "byte-natural": ([(0, 8)], [(8, 8)], [(16, 8)], [(24, 8)]),
    "pair-bit-reversed": ([(16, 8), (0, 8)], None, [(24, 8), (8, 8)], None),
    "half-bit-reversed": ([(0, 16)], None, [(16, 16)], None),
    "half": ([(0, 16)], [(16, 16)]),
    "word": ([(0, 32)],),
}


def dealt(word: int, feed: RandomFeed, width: int) -> list[int]:
    """Return the random number of each value that a word serves, by the digits of the word in base two."""
    digits: list[str] = []
    for part in _PARTS[feed.value]:
        if part is None:  # the same bits as the value before, the other way round
            digits.append(digits[-1][::-1])
        else:
            digits.append("".join(f"{word >> low & (1 << count) - 1:0{count}b}" for low, count in part))
    return [int(d[:width], 2) for d in digits]


def magnitude(y: Value, r: Recipe, random: int) -> tuple[int, Value]:
    """Return (code, value) of a scaled magnitude without its sign; the code is -1 where it is NaN."""
    torch = r.element_rounding is ElementRounding.FOUROVERSIX_TORCH
    if isnan(y) or (torch and least(2 * y if isinstance(y, int) else y, _LARGE) == _LARGE):
        return -1, nan
    size = least(y, 12 * ONE)  # from 6 on all is 6
    assert isinstance(size, int)
    match r.element_rounding:
        case ElementRounding.SR_A | ElementRounding.SR_B | ElementRounding.SR_C:
            rule = r.element_rounding.value
            code = stochastic.index(Fraction(size, ONE), _GRID, rule, r.random_width, random)
        case ElementRounding.TE_SOFTWARE:
            code = _GRID.index(stochastic.te_software(Fraction(size, ONE), random))
        case ElementRounding.FOUROVERSIX_TORCH:
            code = E2M1.index(abs(_torch(size, random)))
        case ElementRounding.QUARTET2_SIMULATOR:
            code = _simulator(size, random)
        case ElementRounding.NEAREST:
            msg = f"recipe {r.name!r} rounds to nearest"
            raise AssertionError(msg)
        case _:
            assert_never(r.element_rounding)
    return code, E2M1[code]


_LARGE = 1 << (128 + 149)  #: the double of what the reference turns into NaN


def own_sign(
    negative: bool,  # noqa: FBT001 -- a sign bit
    y: Value,
    r: Recipe,
    random: int,
    code: int,
) -> bool | None:
    """Return the sign that a program's own rounder gives a code, None where the sign is that of the value."""
    if r.element_rounding is ElementRounding.QUARTET2_SIMULATOR:
        return negative or y == 0
    if r.element_rounding is ElementRounding.FOUROVERSIX_TORCH:
        below = code == 0 and isinstance(y, int) and add(2 * y, _offset(random)) < 0
        return (negative and y != 0) != below
    return None


def _offset(random: int) -> int:
    """Return the uniform number of 24 bits, less a half."""
    return (random << 149 - 24) - _HALF


def _torch(y: int, random: int) -> int:
    """Return fouroversix's value: a sum in float32, then to the nearest even step. It may be below zero."""
    r = _offset(random)
    if y < 2 * ONE:
        return _even(add(2 * y, r), ONE) * ONE // 2
    if y < 4 * ONE:
        return _even(add(y, r), ONE) * ONE
    return min(2 * _even(add(y // 2, r), ONE) * ONE, 6 * ONE)


def _even(v: Value, step: int) -> int:
    assert isinstance(v, int)
    n = nearest_multiple(abs(v), step)
    return -n if v < 0 else n


def _simulator(y: int, random: int) -> int:
    """Return Quartet II's code: p = (y - low) / (high - low) in float32, up where a uniform is below."""
    low = max((i for i in range(7) if E2M1[i] < y), default=0)
    high = next((i for i in range(1, 8) if E2M1[i] > y), 7)
    p = div(add(y, -E2M1[low]), add(E2M1[high], -E2M1[low]))
    folded = random if random < _TWO_TO_32 // 2 else _TWO_TO_32 - 1 - random
    return high if mul(rounded(folded * ONE), _UNIFORM_STEP) < p else low


def cast(
    negative: Sequence[bool], scaled: Sequence[Value], r: Recipe, random: Sequence[int]
) -> list[tuple[bool, Value, int, Value]]:
    """Return (sign, magnitude, code without sign, value without sign) of scaled values."""
    found = []
    for minus, y, number in zip(negative, scaled, random, strict=True):
        code, value = magnitude(y, r, number)
        own = own_sign(minus, y, r, number, code)
        found.append((minus if own is None else own, y, code, value))
    return found
