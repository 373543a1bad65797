"""May the filter decide for this recipe and these tensor scales? Its bound assumes what is asked here."""

from __future__ import annotations

import numpy as np

from fos_ref.formats.arrays import Bool, F32
from fos_ref.recipes.axes import (
    BlockScale,
    BlockShape,
    Candidates,
    ElementCast,
    ElementFormat,
    ElementScaling,
    ErrorDomain,
    Reduction,
    ScaleFloor,
    ScaleFormat,
    TensorScale,
    ZeroScale,
    ZeroSign,
)
from fos_ref.recipes.legal import DIVISIONS
from fos_ref.recipes.recipe import Recipe

#: Scalings that the filter's one product or division does not make.
TWO_STEPS = (
    ElementScaling.DIVIDE_THEN_ENCODE,
    ElementScaling.ENCODE_THEN_DIVIDE,
    ElementScaling.DECODE_THEN_DIVIDE,
)
OTHER_ERRORS = (ErrorDomain.TRIAL, ErrorDomain.DECODED, ErrorDomain.STRAIGHT_THROUGH)  #: not in the bound
#: Orders of sums that a tile does not have.
HALVED = (Reduction.HALVES, Reduction.FUSED_EVEN_ODD)
SMALLEST, LARGEST = 2.0**-44, 2.0**40  #: of D: what squares lose by underflow is below the bound
TOLERANCE = 4 * 2.0**-24


def filter_holds(r: Recipe, scales: list[F32]) -> Bool:
    """Return where the fast path gives the recipe's bits for regular blocks, (1,) or (R,) as the scales are.

    scales: A, S and D.

    The recipe has to round E2M1 elements to nearest even under E4M3 scales, in blocks of 16 or 16x16. Codes
    of a block of zeros must not be forced where its scale is not zero: such a block counts as regular. A
    choice has to compare errors of its own codes, with D, 1/S and A/C equal but for roundings.
    """
    plain = r.scale_format is ScaleFormat.E4M3 and _rounds_to_even(r)
    if not plain or not r.chooses:
        return np.full(scales[0].shape, plain)
    known = r.error_domain not in OTHER_ERRORS and r.tensor_scale is not TensorScale.NONE
    tiled = r.block_shape is BlockShape.TILE_16X16 and r.reduction in HALVED
    return _consistent(scales, r.range_max) & (known and not tiled)


def codes_hold(r: Recipe) -> bool:
    """Return whether there is no choice and the loops for E2M1 give the recipe's codes."""
    return not r.chooses and not r.scale_format.is_power and _rounds_to_even(r)


def _rounds_to_even(r: Recipe) -> bool:
    """Return whether a recipe rounds to E2M1, ties to even, in a way that the loops for E2M1 have."""
    return (
        r.element_format is ElementFormat.E2M1
        and r.block_shape in (BlockShape.ROW_16, BlockShape.TILE_16X16)
        and r.element_cast in (ElementCast.SATURATE, ElementCast.UNSATURATED)
        and r.zero_sign in (ZeroSign.SIGN_BIT, ZeroSign.NEGATIVE_VALUES)
        and r.element_scaling not in TWO_STEPS
        and not (r.zero_scale is ZeroScale.ZERO_BLOCKS and _zeros_have_scales(r))
    )


def grids_hold(r: Recipe, scales: list[F32]) -> Bool:
    """Return where the grid loops of fos_ref/fast/vector give the recipe's bits, as (1,) or (R,) scales are.

    scales: A, S and D.

    The recipe has to multiply its values, or to divide them by a power of two: the reciprocal is exact, and
    product and quotient are one value rounded once. Such a quotient may be rounded to the input's dtype:
    that is exact, but for values that become zero (vector/table.py). A choice has to be between a float and
    integers under one E4M3 scale and to compare errors of its own codes, with D, 1/S and A/C equal but for
    roundings.
    """
    divides = r.element_scaling in DIVISIONS
    plain = (
        (not divides or is_inverted(r))
        and r.block_shape is not BlockShape.ROW_8
        and r.element_cast is not ElementCast.NEAREST_PRODUCT
        and r.candidates is not Candidates.FOUR_OVER_SIX
        and not (r.zero_scale is ZeroScale.ZERO_BLOCKS and _zeros_have_scales(r))
    )
    if not plain or not r.chooses:
        return np.full(scales[0].shape, plain)
    tiled = r.block_shape is BlockShape.TILE_16X16 and r.reduction in HALVED
    known = r.error_domain not in OTHER_ERRORS and r.scale_format is ScaleFormat.E4M3 and not divides
    return _consistent(scales, r.range_max) & (known and not tiled and r.tensor_scale is not TensorScale.NONE)


def is_inverted(r: Recipe) -> bool:
    """Return whether a recipe divides by powers of two."""
    alone = r.tensor_scale is TensorScale.NONE and r.scale_format.is_power
    return alone and r.element_scaling in DIVISIONS


def _zeros_have_scales(r: Recipe) -> bool:
    """Return whether the block scale of a block of zeros is not zero."""
    return r.scale_floor is not ScaleFloor.NONE or r.block_scale is BlockScale.NORMALISED


def _consistent(scales: list[F32], range_max: float) -> Bool:
    """Return whether D is of a size that the bound allows for, and D, 1/S and A/C agree pair by pair."""
    with np.errstate(all="ignore"):
        amax, encode, decode = (v.astype(np.float64) for v in scales)
        ratios = (decode * encode, amax / range_max / decode, amax / range_max * encode)
        same = np.all([np.abs(ratio - 1) <= TOLERANCE for ratio in ratios], axis=0)
    agree: Bool = same & (decode >= SMALLEST) & (decode <= LARGEST)
    return agree
