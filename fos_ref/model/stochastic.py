"""Stochastic rounding of elements, by random numbers that the caller gives (N9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from fos_ref.formats import E2M1
from fos_ref.formats.arrays import Bool, F32, U8, U32
from fos_ref.model.elements import E2M1_VALUES, ELEMENT_NAN, MINUS_ZEROS, ZERO_SIGN
from fos_ref.model.random_bits import counted
from fos_ref.random.programs import fouroversix_torch, quartet2_simulator, te_software, triton_uniform
from fos_ref.random.rules import Rule, stochastic
from fos_ref.recipes.axes import ElementRounding
from fos_ref.recipes.recipe import Recipe

#: (scaled values without a NaN, random numbers, N) -> E2M1 codes
RoundFn = Callable[[F32, U32, int], U8]


def _by(rule: Rule) -> RoundFn:
    """Return a rule of P3109: to one of two neighbours, at most 6; a value of E2M1 stays. N9h, N9i, N9j."""

    def rounded(y: F32, numbers: U32, width: int) -> U8:
        return stochastic(y, numbers, rule, width).astype(np.uint8)

    return rounded


def by_te_software(y: F32, numbers: U32, _: int) -> U8:
    """Return TransformerEngine's software rounding: t = fma(R / 256, h, |y|), then down. N9k."""
    return te_software(y, numbers)


def by_fouroversix_torch(y: F32, numbers: U32, width: int) -> U8:
    """Return fouroversix's reference: a uniform number less 1/2 is added, then RNE. N9l."""
    return fouroversix_torch(y, counted(numbers, width))


def by_quartet2_simulator(y: F32, numbers: U32, _: int) -> U8:
    """Return Quartet II's simulator: up where a uniform number is below the quotient. N9m."""
    return quartet2_simulator(y, triton_uniform(np.ascontiguousarray(numbers)))


ELEMENT_ROUNDING: Mapping[ElementRounding, RoundFn] = MappingProxyType(
    {
        ElementRounding.SR_A: _by(Rule.A),
        ElementRounding.SR_B: _by(Rule.B),
        ElementRounding.SR_C: _by(Rule.C),
        ElementRounding.TE_SOFTWARE: by_te_software,
        ElementRounding.FOUROVERSIX_TORCH: by_fouroversix_torch,
        ElementRounding.QUARTET2_SIMULATOR: by_quartet2_simulator,
    }
)


def cast_stochastic(y: F32, numbers: U32, r: Recipe) -> tuple[U8, F32]:
    """Return (E2M1 codes, the values they count as in the error) of scaled values. N9.

    Shapes:   y (..., n) and numbers (..., n) -> the same
    Rounding: as ELEMENT_ROUNDING[r.element_rounding] lists.
    Specials: infinity gives 6 with its sign; NaN has the recipe's code. In fouroversix's reference a
              magnitude from 2^127 on is NaN, because its double overflows, and a NaN stays one in the error.
    """
    nan = np.isnan(y)
    if r.element_rounding is ElementRounding.FOUROVERSIX_TORCH:
        nan |= np.isinf(y + y)
    codes = ELEMENT_ROUNDING[r.element_rounding](np.where(nan, np.float32(0), y), numbers, r.random_width)
    return finished(codes, nan, y, r)


def finished(codes: U8, nan: Bool, y: F32, r: Recipe) -> tuple[U8, F32]:
    """Return codes and values with the recipe's NaN and signs of zeros; codes are written over."""
    codes[nan] = ELEMENT_NAN[r.element_nan](E2M1)
    values = E2M1_VALUES[codes]
    if r.element_rounding is ElementRounding.FOUROVERSIX_TORCH and nan.any():
        values = np.where(nan, np.float32(np.nan), values)
    signs = ZERO_SIGN[r.zero_sign](y, codes, 1 << E2M1.sign_shift)
    codes[signs] = 1 << E2M1.sign_shift if r.zero_sign in MINUS_ZEROS else 0
    return codes, values
