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
        }
    ),
    "scale_format": frozenset(
        {
            ScaleFormat.E4M3,
            ScaleFormat.E8M0_UP,
        }
    ),
    "candidates": frozenset(
        {
            Candidates.SIX,
            Candidates.FOUR,
            Candidates.SEVEN,
            Candidates.FOUR_OVER_SIX,
            Candidates.FLOAT_OR_INT,
        }
    ),
    "block_scale": frozenset(
        {
            BlockScale.DIVIDE_THEN_MULTIPLY,
            BlockScale.FOLDED_RECIPROCAL,
            BlockScale.RECIPROCAL_THEN_MULTIPLY,
            BlockScale.DIVIDE_BY_DECODE,
            BlockScale.DIVIDE_THEN_DIVIDE,
            BlockScale.DIVIDE_IN_INPUT_DTYPE,
            BlockScale.RECIPROCAL_PER_MAXIMUM,
            BlockScale.NORMALISED,
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
            ScaleFloor.ZERO_IS_EIGHTH,
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
        }
    ),
    "zero_scale": frozenset(
        {
            ZeroScale.ZERO_CODES,
            ZeroScale.NO_SPECIAL_CASE,
            ZeroScale.ZERO_BLOCKS,
            ZeroScale.SCALE_ONE,
        }
    ),
    "reciprocal_overflow": frozenset(
        {
            ReciprocalOverflow.CLAMP_TO_MAX,
            ReciprocalOverflow.INFINITY,
        }
    ),
    "element_cast": frozenset(
        {
            ElementCast.SATURATE,
            ElementCast.TIES_AWAY,
            ElementCast.UNSATURATED,
        }
    ),
    "element_nan": frozenset(
        {
            ElementNan.CODE_7,
            ElementNan.CODE_0,
            ElementNan.CODE_B,
            ElementNan.WRAPS,
        }
    ),
    "zero_sign": frozenset(
        {
            ZeroSign.SIGN_BIT,
            ZeroSign.NEGATIVE_VALUES,
            ZeroSign.NEVER,
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
