"""The scale steps: tensor scale, block scale, the two candidates' scales, the elements' multiplier (N3-N8).

Shapes: A is () for one tensor amax or (T, 1) for one per row; b and every block scale are (T, B).
All arithmetic is float32, one rounding per written operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from fos_ref.formats import decode, encode, UE4M3
from fos_ref.formats.arrays import F32, U8
from fos_ref.recipes.axes import (
    BlockScale,
    Map4Scale,
    ReciprocalOverflow,
    ScaleNan,
    TensorScale,
    ZeroScale,
)
from fos_ref.recipes.recipe import Recipe

FLT_MAX = np.finfo(np.float32).max
ONE = np.float32(1)
SIX = np.float32(6)
SIXTH = ONE / SIX  #: 0x3E2AAAAB
EXPANSION = np.float32(1.5)  #: 6/4, exact

_UE4M3_VALUES: F32 = decode(np.arange(128), UE4M3).astype(np.float32)


# --- N3: encode scale S and decode scale D -----------------------------------------------------------


def clamped(amax: F32, c: np.float32) -> tuple[F32, F32]:
    """Return S = min(C/A, FLT_MAX), and 1 where that is 0; D = 1/S.

    Rounding: one division each. Specials: A = 0 gives S = FLT_MAX, A = inf gives S = 1, NaN stays NaN.
    Spec:     N3. TransformerEngine reference_nvfp4.py::_quantize_blockwise_reference.
    """
    s: F32 = np.minimum(c / amax, FLT_MAX)
    s = np.where(s == 0, ONE, s).astype(np.float32)
    return s, ONE / s


def clamped_zero_is_one(amax: F32, c: np.float32) -> tuple[F32, F32]:
    """Return S = min(C/A, FLT_MAX), and 1 where that or A is 0; D = 1/S.

    Spec: N3. TransformerEngine core_nvfp4.cuh; differs from `clamped` for a zero tensor only.
    """
    s, _ = clamped(amax, c)
    s = np.where(amax == 0, ONE, s).astype(np.float32)
    return s, ONE / s


def zero_scales(amax: F32, c: np.float32) -> tuple[F32, F32]:
    """Return S = C/A, which overflows to infinity for A < C/FLT_MAX; D = 1/S. A = 0 gives S = 0.

    Specials: S = inf times a zero block is NaN. With S = 0 every block scale is 0.
    Spec:     N3. fouroversix reference.py::compute_nv_scale_factors.
    """
    s: F32 = np.where(amax == 0, np.float32(0), c / amax).astype(np.float32)
    return s, ONE / s


TENSOR_SCALE: Mapping[TensorScale, Callable[[F32, np.float32], tuple[F32, F32]]] = MappingProxyType(
    {
        TensorScale.CLAMPED: clamped,
        TensorScale.CLAMPED_ZERO_IS_ONE: clamped_zero_is_one,
        TensorScale.ZERO_SCALES: zero_scales,
    }
)


# --- N5: the block scale before rounding -------------------------------------------------------------


def divide_then_multiply(b: F32, s_enc: F32, element_max: np.float32) -> F32:
    """Return (b / element_max) * S: two roundings. N5a."""
    return (b / element_max) * s_enc


def folded_reciprocal(b: F32, s_enc: F32, element_max: np.float32) -> F32:
    """Return min(b * RN(S * RN(1/element_max)), FLT_MAX): one rounding per block. N5b.

    Source: TransformerEngine reference_nvfp4.py, the path without 4/6.
    """
    return np.minimum(b * (s_enc * (ONE / element_max)), FLT_MAX)


BLOCK_SCALE: Mapping[BlockScale, Callable[[F32, F32, np.float32], F32]] = MappingProxyType(
    {
        BlockScale.DIVIDE_THEN_MULTIPLY: divide_then_multiply,
        BlockScale.FOLDED_RECIPROCAL: folded_reciprocal,
    }
)


# --- N6, N7: candidates' scales ----------------------------------------------------------------------


def expand_before_rounding(base: F32) -> F32:
    """Return base * 1.5, one rounding, before the cast to E4M3. N6."""
    return base * EXPANSION


MAP4_SCALE: Mapping[Map4Scale, Callable[[F32], F32]] = MappingProxyType(
    {Map4Scale.EXPAND_BEFORE_ROUNDING: expand_before_rounding}
)

SCALE_NAN: Mapping[ScaleNan, int] = MappingProxyType({ScaleNan.CODE_7F: 0x7F, ScaleNan.CODE_FF: 0xFF})


def cast_scale(base: F32, r: Recipe) -> tuple[U8, F32]:
    """Return (E4M3 byte, its value): nearest even, subnormals kept, overflow saturates to 448. N7."""
    codes = encode(base, UE4M3).astype(np.uint8)
    values = _UE4M3_VALUES[codes]
    nan = np.isnan(values)
    codes[nan] = SCALE_NAN[r.scale_nan]
    return codes, values


# --- N8: the elements' multiplier --------------------------------------------------------------------


def multiplier(scale: F32, s_dec: F32, r: Recipe) -> F32:
    """Return 1 / (scale * D): a product and a division, both rounded. N8.

    Specials: the reciprocal may overflow (scale 0, or D subnormal): FLT_MAX or infinity, as the recipe says.
    """
    inv = ONE / (scale * s_dec)
    return RECIPROCAL_OVERFLOW[r.reciprocal_overflow](inv)


RECIPROCAL_OVERFLOW: Mapping[ReciprocalOverflow, Callable[[F32], F32]] = MappingProxyType(
    {
        ReciprocalOverflow.CLAMP_TO_MAX: lambda inv: np.minimum(inv, FLT_MAX),
        ReciprocalOverflow.INFINITY: lambda inv: inv,
    }
)

#: Whether a zero block scale forces the block's scaled values to +0.
ZERO_SCALE: Mapping[ZeroScale, bool] = MappingProxyType(
    {ZeroScale.ZERO_CODES: True, ZeroScale.NO_SPECIAL_CASE: False}
)
