"""Stochastic rounding of elements, compiled: codes of scaled values by their random numbers (N9).

The rules A, B and C on whole numbers, the programs' own rounders in float32 registers; nothing is shared with
fos_ref/random. The steps before and after are the NumPy model's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from fos_ref.fast.cached import cached
from fos_ref.fast.codec import ABS, F32, float_of, INF, U32
from fos_ref.fast.config import position
from fos_ref.formats import arrays
from fos_ref.model.stochastic import finished
from fos_ref.recipes.axes import ElementRounding
from fos_ref.recipes.recipe import Recipe

SR_A = position(ElementRounding.SR_A)
SR_B = position(ElementRounding.SR_B)
SR_C = position(ElementRounding.SR_C)
TE_SOFTWARE = position(ElementRounding.TE_SOFTWARE)
FOUROVERSIX_TORCH = position(ElementRounding.FOUROVERSIX_TORCH)
SIX_BITS, TWELVE_BITS = U32(0x40C00000), U32(0x41400000)
TWO, FOUR, SIX, HALF, ONE = F32(2), F32(4), F32(6), F32(0.5), F32(1)
SEVEN, MINUS_ZERO = U32(7), U32(8)
NAN_BYTE = 0xFF  #: says NaN: the recipe's code takes its place
NAN_CODE = U32(NAN_BYTE)
UNIFORM_STEP = F32(4.6566127342e-10)  #: 2FFFFFFF
_MOST_SHIFT = 56  #: of a place of 24 bits, past which no random number of 32 bits moves a value up
_EXPONENT_OF_ONE = 127


@njit(error_model="numpy", inline="always")
def _value(code: np.uint32) -> np.float32:
    """Return the E2M1 value of a magnitude code."""
    return F32(float_of(U32(code << U32(22))) * F32(2.0**126))


@njit(error_model="numpy", inline="always")
def _up(rest: int, places: int, random: int, n: int, rule: int) -> int:
    """Return 1 where rest / 2^places goes up. N9h, N9i, N9j."""
    if places > _MOST_SHIFT:
        return 0
    digits = n + 1 if rule == SR_B else n
    drop = places - digits
    whole = rest >> drop if drop > 0 else rest << -drop
    if rule == SR_B:
        return 1 if whole + 2 * random + 1 >= 1 << digits else 0
    if rule == SR_C and drop > 0:
        cut, tie = rest & ((1 << drop) - 1), 1 << (drop - 1)
        whole += 1 if cut > tie or (cut == tie and whole & 1 == 1) else 0
    return 1 if whole + random >= 1 << digits else 0


@njit(error_model="numpy", inline="always")
def _by_rule(a: np.uint32, random: int, n: int, rule: int) -> np.uint32:
    """Return the magnitude code of magnitude bits below those of 6."""
    field = np.int64(a >> U32(23))
    m = np.int64(a & U32(0x7FFFFF)) + (8388608 if field > 0 else 0)
    e = (field if field > 0 else 1) - _EXPONENT_OF_ONE
    places = 22 - (e if e < 0 else 0)  # of m below the step of its binade, or below 1/2
    whole = m >> places if places < _MOST_SHIFT else 0
    first = 0 if e < 0 else 2 * e
    rest = m & ((1 << min(places, _MOST_SHIFT)) - 1)
    return U32(first + whole + _up(rest, places, random, n, rule))


@njit(error_model="numpy", inline="always")
def _step_of(a: np.float32) -> np.float32:
    return TWO if a >= FOUR else (ONE if a >= TWO else HALF)


@njit(error_model="numpy", inline="always")
def _code_of(q: np.float32) -> np.uint32:
    """Return the code of a magnitude of E2M1."""
    if q < TWO:
        return U32(q * TWO)
    return U32(q + TWO) if q < FOUR else (SEVEN if q >= SIX else U32(6))


@njit(error_model="numpy", inline="always")
def _te_software(a: np.float32, random: int) -> np.uint32:
    """Return t = fma(R / 256, h, a), cut down. N9k.

    A value that lies midway between two float32 beside the product has its last bit above 2^-50 of that:
    there float64 is exact. So two roundings, to float64 and to float32, are one.
    """
    t = F32(np.float64(a) + np.float64(random) * 2.0**-8 * np.float64(_step_of(a)))
    step = _step_of(t)
    return _code_of(min(F32(np.floor(F32(t / step)) * step), SIX))


@njit(error_model="numpy", inline="always")
def _torch(a: np.float32, r: np.float32) -> np.float32:
    """Return fouroversix's value, which may be below zero. N9l."""
    if a < TWO:
        return F32(np.rint(F32(F32(TWO * a) + r)) * HALF)
    if a < FOUR:
        return F32(np.rint(F32(a + r)))
    return min(F32(TWO * F32(np.rint(F32(F32(a * HALF) + r)))), SIX)


@njit(error_model="numpy", inline="always")
def _simulator(a: np.float32, word: np.uint32) -> np.uint32:
    """Return Quartet II's code: between the values below and above, never the value itself. N9m."""
    low = U32(0)
    for c in range(1, 7):
        low = U32(c) if _value(U32(c)) < a else low
    high = SEVEN
    for c in range(7, 0, -1):
        high = U32(c) if _value(U32(c)) > a else high
    below = _value(low)
    p = F32(F32(a - below) / F32(_value(high) - below))
    folded = word if word < U32(0x80000000) else U32(~word)
    return high if F32(F32(folded) * UNIFORM_STEP) < p else low


def cast_compiled(y: arrays.F32, numbers: arrays.U32, r: Recipe) -> tuple[arrays.U8, arrays.F32]:
    """Return what fos_ref.model.stochastic.cast_stochastic does, by the compiled rounding."""
    codes = np.empty(y.shape, dtype=np.uint8)
    flat = (np.ascontiguousarray(v).reshape(-1) for v in (y, numbers))
    bits, of_values = (v.view(np.uint32) for v in flat)
    round_elements(bits, of_values, position(r.element_rounding), r.random_width, codes.reshape(-1))
    return finished(codes, codes == NAN_BYTE, y, r)


@cached(error_model="numpy", nogil=True, fastmath=False)
def round_elements(y: Any, numbers: Any, kind: int, n: int, codes: Any) -> None:
    """Write the codes of scaled values y (m,), float32 bits, by numbers (m,) uint32 of n bits; FF for NaN."""
    for i in range(y.size):
        random, u = np.int64(numbers[i]), y[i]
        a = U32(u & ABS)
        negative = u >> U32(31) == U32(1)
        if a > INF:
            codes[i] = NAN_CODE
            continue
        size = float_of(min(a, TWELVE_BITS))
        if kind == SR_A or kind == SR_B or kind == SR_C:
            code = _by_rule(a, random, n, kind) if a < SIX_BITS else SEVEN
        elif kind == TE_SOFTWARE:
            code = _te_software(size, random)
        elif kind == FOUROVERSIX_TORCH:
            if F32(float_of(a) * TWO) == float_of(INF):
                codes[i] = NAN_CODE
                continue
            r = F32(F32(random) * F32(2.0**-24)) - HALF
            code = _code_of(abs(_torch(size, r)))
            below = code == U32(0) and F32(F32(TWO * size) + r) < F32(0)
            negative = (negative and a != U32(0)) != below
        else:
            code = _simulator(size, U32(numbers[i]))
            negative = negative or a == U32(0)
        codes[i] = code | (MINUS_ZERO if negative else U32(0))
