"""The oracle's stochastic rounding of block scales to E4M3, on whole numbers (N7)."""

from __future__ import annotations

from bisect import bisect_right
from typing import assert_never

from fos_ref.oracle.exact import add, div, E4M3, from_bits, least, mul, nearest, ONE, rounded, to_bits, Value
from fos_ref.recipes.axes import ScaleRounding
from fos_ref.recipes.recipe import Recipe

_UNIFORM_STEP = from_bits(0x2FFFFFFF)  #: Triton's, a little below 2^-31


def code(base: Value, r: Recipe, random: int) -> int:
    """Return the byte of a base that is no NaN, at most 448."""
    v = least(base, E4M3[-1])
    assert isinstance(v, int)
    match r.scale_rounding:
        case ScaleRounding.QUARTET2_SCALES:
            return _by_cut_bits(v, random)
        case ScaleRounding.QUARTET2_SIMULATOR:
            return _by_quotient(v, random)
        case ScaleRounding.NEAREST:
            msg = f"recipe {r.name!r} rounds its scales to nearest"
            raise AssertionError(msg)
        case _:
            assert_never(r.scale_rounding)


def _by_cut_bits(v: int, random: int) -> int:
    """Return the next value up where the 20 low bits of the float32 exceed 16 times the number; N7l."""
    if v < ONE >> 6:
        return nearest(v, E4M3)
    below = bisect_right(E4M3, v) - 1
    return min(below + (to_bits(v) % (1 << 20) > 16 * random), len(E4M3) - 1)


def _by_quotient(v: int, random: int) -> int:
    """Return the next value up where a uniform number is below the place between both, in float32; N7m."""
    below = bisect_right(E4M3, v) - 1
    if below == len(E4M3) - 1:
        return below
    p = div(add(v, -E4M3[below]), E4M3[below + 1] - E4M3[below])
    folded = random if random < 1 << 31 else (1 << 32) - 1 - random
    return below + (mul(rounded(folded * ONE), _UNIFORM_STEP) < p)
