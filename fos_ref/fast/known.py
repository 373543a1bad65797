"""The axis values that the compiled steps carry out, written down one by one.

A value that is added to an axis is refused by the engine until it stands here, and a test asks for it.
"""

from __future__ import annotations

from enum import Enum

from fos_ref.recipes.axes import (
    BlockScale,
    Candidates,
    ElementCast,
    ElementFormat,
    ElementNan,
    ElementScaling,
    ErrorDomain,
    ErrorMetric,
    Map4Scale,
    NonFinite,
    ReciprocalOverflow,
    Reduction,
    ScaleFloor,
    ScaleFormat,
    ScaleNan,
    Tie,
    ZeroScale,
    ZeroSign,
)

KNOWN: dict[str, frozenset[Enum]] = {
    "element_format": frozenset(
        {
            ElementFormat.E2M1,
            ElementFormat.INT4,
            ElementFormat.E2M1_OR_INT4,
            ElementFormat.E2M0,
            ElementFormat.E2M3,
            ElementFormat.E3M2,
            ElementFormat.E4M3,
            ElementFormat.E5M2,
            ElementFormat.INT3,
            ElementFormat.INT6,
            ElementFormat.INT8,
            ElementFormat.E2M0_OR_INT3,
            ElementFormat.E2M3_OR_INT6,
            ElementFormat.E3M2_OR_INT6,
        }
    ),
    "scale_format": frozenset(
        {
            ScaleFormat.E4M3,
            ScaleFormat.E8M0_UP,
            ScaleFormat.E8M0_FLOOR,
            ScaleFormat.E8M0_EVEN,
            ScaleFormat.E8M0_CEIL,
            ScaleFormat.E8M0_UP_SATFINITE,
            ScaleFormat.E8M0_UP_WRAPS,
            ScaleFormat.E8M0_NEAREST_LOG2,
            ScaleFormat.E5M3,
            ScaleFormat.E4M3_HALF_UP,
        }
    ),
    "candidates": frozenset(
        {
            Candidates.SIX,
            Candidates.FOUR,
            Candidates.SEVEN,
            Candidates.FOUR_OVER_SIX,
            Candidates.FLOAT_OR_INT,
            Candidates.LARGEST,
        }
    ),
    "block_scale": frozenset(
        {
            BlockScale.DIVIDE_THEN_MULTIPLY,
            BlockScale.FOLDED_RECIPROCAL,
            BlockScale.RECIPROCAL_THEN_MULTIPLY,
            BlockScale.DIVIDE_BY_DECODE,
            BlockScale.DIVIDE_THEN_DIVIDE,
            BlockScale.MULTIPLY_THEN_DIVIDE,
            BlockScale.DECODE_RECIPROCAL,
            BlockScale.DIVIDE_IN_INPUT_DTYPE,
            BlockScale.RECIPROCAL_PER_MAXIMUM,
            BlockScale.NORMALISED,
            BlockScale.AMAX,
            BlockScale.LOGARITHM,
            BlockScale.LOGARITHM_IN_INPUT_DTYPE,
            BlockScale.DECODE_THEN_DIVIDE,
        }
    ),
    "map4_scale": frozenset(
        {
            Map4Scale.EXPAND_BEFORE_ROUNDING,
            Map4Scale.EXPAND_AFTER_ROUNDING,
            Map4Scale.FROM_BLOCK_AMAX,
            Map4Scale.EXPAND_AMAX,
        }
    ),
    "scale_floor": frozenset(
        {
            ScaleFloor.NONE,
            ScaleFloor.MIN_NORMAL,
            ScaleFloor.ZERO_IS_ONE,
            ScaleFloor.TINY_IS_ONE,
            ScaleFloor.ZERO_IS_EIGHTH,
            ScaleFloor.ZERO_ALONE_IS_ONE,
            ScaleFloor.MIN_SUBNORMAL,
            ScaleFloor.ZERO_CODE_IS_ONE,
        }
    ),
    "scale_nan": frozenset(
        {
            ScaleNan.CODE_7F,
            ScaleNan.CODE_FF,
        }
    ),
    "element_scaling": frozenset(
        {
            ElementScaling.RECIPROCAL_OF_PRODUCT,
            ElementScaling.DIVIDE_BY_PRODUCT,
            ElementScaling.DIVIDE_BY_QUOTIENT,
            ElementScaling.RECIPROCAL_QUOTIENT,
            ElementScaling.ENCODE_QUOTIENT,
            ElementScaling.DIVIDE_THEN_ENCODE,
            ElementScaling.ENCODE_THEN_DIVIDE,
            ElementScaling.DECODE_THEN_DIVIDE,
        }
    ),
    "zero_scale": frozenset(
        {
            ZeroScale.ZERO_CODES,
            ZeroScale.NO_SPECIAL_CASE,
            ZeroScale.ZERO_BLOCKS,
            ZeroScale.SCALE_ONE,
            ZeroScale.MULTIPLIER_ZERO,
            ZeroScale.PRODUCT_ZERO,
            ZeroScale.PRODUCT_TINY,
            ZeroScale.SCALE_2_127,
            ZeroScale.SCALE_2_126,
            ZeroScale.PRODUCT_ONE,
            ZeroScale.DIVISOR_ZERO,
        }
    ),
    "reciprocal_overflow": frozenset(
        {
            ReciprocalOverflow.CLAMP_TO_MAX,
            ReciprocalOverflow.INFINITY,
            ReciprocalOverflow.MINIMUM_NUMBER,
        }
    ),
    "element_cast": frozenset(
        {
            ElementCast.SATURATE,
            ElementCast.TIES_AWAY,
            ElementCast.TIES_TO_SMALLER,
            ElementCast.FIRST_NEAREST,
            ElementCast.UNSATURATED,
            ElementCast.NEAREST_PRODUCT,
        }
    ),
    "element_nan": frozenset(
        {
            ElementNan.CODE_7,
            ElementNan.CODE_0,
            ElementNan.CODE_8,
            ElementNan.CODE_B,
            ElementNan.WRAPS,
        }
    ),
    "zero_sign": frozenset(
        {
            ZeroSign.SIGN_BIT,
            ZeroSign.NEGATIVE_VALUES,
            ZeroSign.NEVER,
            ZeroSign.NOT_POSITIVE,
            ZeroSign.ALWAYS,
        }
    ),
    "error_domain": frozenset(
        {
            ErrorDomain.INPUT_AMAX,
            ErrorDomain.INPUT_DECODE,
            ErrorDomain.SCALED,
            ErrorDomain.INPUT_QUOTIENT,
            ErrorDomain.INPUT_PRODUCT,
            ErrorDomain.FUSED_RESIDUAL,
            ErrorDomain.DECODED,
            ErrorDomain.STRAIGHT_THROUGH,
            ErrorDomain.TRIAL,
        }
    ),
    "error_metric": frozenset(
        {
            ErrorMetric.MSE,
            ErrorMetric.MAE,
            ErrorMetric.ABS_MAX,
        }
    ),
    "reduction": frozenset(
        {
            Reduction.SEQUENTIAL,
            Reduction.FUSED_SEQUENTIAL,
            Reduction.HALVES,
            Reduction.FUSED_EVEN_ODD,
            Reduction.TORCH_CPU,
        }
    ),
    "tie": frozenset(
        {
            Tie.SIX,
            Tie.FOUR,
        }
    ),
    "nonfinite": frozenset(
        {
            NonFinite.RAISE,
            NonFinite.PROPAGATE,
            NonFinite.DROP_NAN,
        }
    ),
}
