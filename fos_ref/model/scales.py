"""The scale steps: tensor scale, block scale, the cast of block scales (N3-N7).

Shapes: A is () for one tensor amax or (T, 1) for one per row; b and every block scale are (T, B).
All arithmetic is float32, one rounding per written operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import ml_dtypes
import numpy as np

from fos_ref.formats.arrays import F32
from fos_ref.model.e8m0 import log2
from fos_ref.model.rounding import moved, to_dtype
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import BlockScale, TensorScale
from fos_ref.recipes.recipe import Recipe

FLT_MAX = np.finfo(np.float32).max
ONE = np.float32(1)
SIX = np.float32(6)
#: Per input dtype, as float32; bfloat16 has the exponents of float32.
_SMALLEST_NORMAL = {
    np.dtype(np.float32): np.float32(2.0**-126),
    np.dtype(ml_dtypes.bfloat16): np.float32(2.0**-126),
    np.dtype(np.float16): np.float32(2.0**-14),
}
TensorScaleFn = Callable[[F32, Recipe, np.dtype[Any]], tuple[F32, F32]]
BlockScaleFn = Callable[[F32, Scales, np.float32, Recipe], F32]


# --- N3: encode scale S and decode scale D from A; C = element_max * scale_max ------------------------


def clamped(amax: F32, r: Recipe, _: np.dtype[Any]) -> tuple[F32, F32]:
    """Return S = min(C/A, FLT_MAX), and 1 where that is 0; D = 1/S. N3a.

    Rounding: one division each. Specials: A = 0 gives S = FLT_MAX, A = inf gives S = 1, NaN stays NaN.
    Source:   TransformerEngine reference_nvfp4.py::_quantize_blockwise_reference.
    """
    s: F32 = np.minimum(np.float32(r.range_max) / amax, FLT_MAX)
    s = np.where(s == 0, ONE, s).astype(np.float32)
    return s, ONE / s


def clamped_zero_is_one(amax: F32, r: Recipe, dtype: np.dtype[Any]) -> tuple[F32, F32]:
    """Return S = min(C/A, FLT_MAX), and 1 where that or A is 0; D = 1/S. N3b.

    Source: TransformerEngine core_nvfp4.cuh; differs from `clamped` for a zero tensor only.
    """
    s, _ = clamped(amax, r, dtype)
    s = np.where(amax == 0, ONE, s).astype(np.float32)
    return s, ONE / s


def zero_scales(amax: F32, r: Recipe, _: np.dtype[Any]) -> tuple[F32, F32]:
    """Return S = C/A, which overflows to infinity for A < C/FLT_MAX; D = 1/S. A = 0 gives S = 0. N3c.

    Specials: S = inf times a zero block is NaN. With S = 0 every block scale is 0.
    Source:   fouroversix reference.py::compute_nv_scale_factors.
    """
    s: F32 = np.where(amax == 0, np.float32(0), np.float32(r.range_max) / amax).astype(np.float32)
    return s, ONE / s


def quotient(amax: F32, r: Recipe, _: np.dtype[Any]) -> tuple[F32, F32]:
    """Return S = C/A, infinite for A = 0 and for A < C/FLT_MAX; D = 1/S. N3m.

    Source: MLX ops.cpp::fp_quantize.
    """
    s: F32 = np.asarray(np.float32(r.range_max) / amax, dtype=np.float32)
    return s, ONE / s


def quotient_zero_is_one(amax: F32, r: Recipe, _: np.dtype[Any]) -> tuple[F32, F32]:
    """Return S = C/A, which overflows to infinity for A < C/FLT_MAX, and 1 for A = 0; D = 1/S. N3h.

    Source: fouroversix fp4_quant_kernel.h, which leaves an all-zero tensor's output zero.
    """
    s: F32 = np.where(amax == 0, ONE, np.float32(r.range_max) / amax).astype(np.float32)
    return s, ONE / s


def decode_quotient(amax: F32, r: Recipe, _: np.dtype[Any]) -> tuple[F32, F32]:
    """Return S = 1/D and D = A/C, one division each. N3d. Source: ModelOpt and torchao tensor scales."""
    d = amax / np.float32(r.range_max)
    return ONE / d, d


def decode_quotient_zero_is_one(amax: F32, r: Recipe, _: np.dtype[Any]) -> tuple[F32, F32]:
    """Return S = 1/D and D = A/C, 1 for A = 0. N3n.

    Source: FlashInfer page.cuh, whose caller gives a D above 0.
    """
    d = np.where(amax == 0, ONE, amax / np.float32(r.range_max)).astype(np.float32)
    return ONE / d, d


def decode_quotient_of_four(amax: F32, r: Recipe, _: np.dtype[Any]) -> tuple[F32, F32]:
    """Return S = 1/D and D = A/(4*M), 1 for A = 0. N3o. Source: GPTQModel activation_floatx.py."""
    d = np.where(amax == 0, ONE, amax / np.float32(4 * r.scale_max)).astype(np.float32)
    return ONE / d, d


def reciprocal_in_input_dtype(amax: F32, r: Recipe, dtype: np.dtype[Any]) -> tuple[F32, F32]:
    """Return S = RN_T(RN_T(1/A) * C), T the input's dtype; D = 1/S. N3e.

    Specials: A is at least the smallest normal of T; an S that is NaN or infinite becomes 1.
    Source:   compressed-tensors quantization/utils/helpers.py::generate_gparam.
    """
    tiny = _SMALLEST_NORMAL[dtype]
    a: F32 = np.maximum(amax, tiny)
    s = to_dtype(to_dtype(ONE / a, dtype) * np.float32(r.range_max), dtype)
    s = np.where(np.isfinite(s), s, ONE).astype(np.float32)
    return s, ONE / s


def decode_reciprocals(amax: F32, r: Recipe, _: np.dtype[Any]) -> tuple[F32, F32]:
    """Return D = (A * RN(1/M)) * RN(1/6), 1 for A = 0; S = 1/D. N3f. Source: Quartet II round_four_six.cu."""
    d = (amax * (ONE / np.float32(r.scale_max))) * (ONE / np.float32(r.element_max))
    d = np.where(amax == 0, ONE, d).astype(np.float32)
    return ONE / d, d


def reciprocal_times_range(amax: F32, r: Recipe, _: np.dtype[Any]) -> tuple[F32, F32]:
    """Return S = (1/A) * C, which overflows to infinity for a tiny A, and FLT_MAX for A = 0; D = 1/S. N3i.

    Rounding: two reciprocals and the product, in float32 whatever the dtype of the input.
    Specials: A = inf gives S = 0 and D = inf; NaN stays NaN.
    Source:   FlashInfer nvfp4_quantization_utils.py::make_nvfp4_global_scale: torch divides a number by a
              tensor so.
    """
    s = np.where(amax == 0, FLT_MAX, (ONE / amax) * np.float32(r.range_max)).astype(np.float32)
    return s, ONE / s


def reciprocal_zero_scales(amax: F32, r: Recipe, _: np.dtype[Any]) -> tuple[F32, F32]:
    """Return S = (1/A) * C and D = 1/S, both 0 for A = 0, and D = 0 where S is 0. N3j.

    Source: auto-round data_type/nvfp.py, whose reciprocal of 0 is 0.
    """
    s = np.where(amax == 0, np.float32(0), (ONE / amax) * np.float32(r.range_max)).astype(np.float32)
    return s, np.where(s == 0, np.float32(0), ONE / s).astype(np.float32)


def encode_of_product(amax: F32, r: Recipe, _: np.dtype[Any]) -> tuple[F32, F32]:
    """Return S = 1/(A * RN(1/C)) and D = 1/S, which is not A * RN(1/C); both 0 for A = 0. N3l.

    Source: FlashInfer quantization.cuh, a scale per token, whose reciprocals are approximate.
    """
    s = ONE / (amax * (ONE / np.float32(r.range_max)))
    s, d = (np.where(amax == 0, np.float32(0), v).astype(np.float32) for v in (s, ONE / s))
    return s, d


def encode_of_quotient(amax: F32, r: Recipe, _: np.dtype[Any]) -> tuple[F32, F32]:
    """Return S = 1/(A/C), 1 for A = 0; D = 1/S: D is not A/C. N3k.

    Source: SGLang nvfp4_online.py, which stores A/C and gives the quantizer its reciprocal.
    """
    s = np.where(amax == 0, ONE, ONE / (amax / np.float32(r.range_max))).astype(np.float32)
    return s, ONE / s


def decode_two_quotients(amax: F32, r: Recipe, _: np.dtype[Any]) -> tuple[F32, F32]:
    """Return S = 1/D and D = (A/M)/E, two divisions, 1 for A = 0. N3p. Source: Quartet II nvfp4_triton.py."""
    d = (amax / np.float32(r.bound)) / np.float32(r.element_max)
    d = np.where(amax == 0, ONE, d).astype(np.float32)
    return ONE / d, d


def decode_two_quotients_short(amax: F32, r: Recipe, dtype: np.dtype[Any]) -> tuple[F32, F32]:
    """Return the same with RN(M - 0.01) for M: 447.99 for 448. N3r.

    Source: Quartet II nvfp4_triton.py::rtn_16x16s_fp4_kernel, without 4/6.
    """
    return decode_two_quotients(amax, r, dtype)


def of_scales(amax: F32, r: Recipe, _: np.dtype[Any]) -> tuple[F32, F32]:
    """Return S = 1/D, 0 for D = 0, and D = A * RN(1/M), A the largest corrected block scale. N3q.

    Source: Quartet II group_transform_and_eden.cu::eden_convert_scales_kernel.
    """
    d = np.asarray(amax * (ONE / np.float32(r.bound)), dtype=np.float32)
    return np.where(d == 0, np.float32(0), ONE / d).astype(np.float32), d


def none(amax: F32, r: Recipe, _: np.dtype[Any]) -> tuple[F32, F32]:  # noqa: ARG001
    """Return S = D = 1: MX formats have no tensor scale. N3g."""
    one = np.ones_like(amax)
    return one, one


TENSOR_SCALE: Mapping[TensorScale, TensorScaleFn] = MappingProxyType(
    {
        TensorScale.CLAMPED: clamped,
        TensorScale.CLAMPED_ZERO_IS_ONE: clamped_zero_is_one,
        TensorScale.ZERO_SCALES: zero_scales,
        TensorScale.QUOTIENT: quotient,
        TensorScale.QUOTIENT_ZERO_IS_ONE: quotient_zero_is_one,
        TensorScale.DECODE_QUOTIENT: decode_quotient,
        TensorScale.DECODE_QUOTIENT_ZERO_IS_ONE: decode_quotient_zero_is_one,
        TensorScale.DECODE_QUOTIENT_OF_FOUR: decode_quotient_of_four,
        TensorScale.RECIPROCAL_IN_INPUT_DTYPE: reciprocal_in_input_dtype,
        TensorScale.DECODE_RECIPROCALS: decode_reciprocals,
        TensorScale.RECIPROCAL_TIMES_RANGE: reciprocal_times_range,
        TensorScale.RECIPROCAL_ZERO_SCALES: reciprocal_zero_scales,
        TensorScale.ENCODE_OF_PRODUCT: encode_of_product,
        TensorScale.ENCODE_OF_QUOTIENT: encode_of_quotient,
        TensorScale.DECODE_TWO_QUOTIENTS: decode_two_quotients,
        TensorScale.DECODE_TWO_QUOTIENTS_SHORT: decode_two_quotients_short,
        TensorScale.OF_SCALES: of_scales,
        TensorScale.NONE: none,
    }
)


# --- N5: the block scale before rounding, from block amax b; m is the element magnitude b maps to -----


def divide_then_multiply(b: F32, t: Scales, m: np.float32, _: Recipe) -> F32:
    """Return (b / m) * S: two roundings. N5a."""
    return (b / m) * t.encode


def folded_reciprocal(b: F32, t: Scales, m: np.float32, _: Recipe) -> F32:
    """Return min(b * RN(S * RN(1/m)), FLT_MAX): one rounding per block. N5b.

    Source: TransformerEngine reference_nvfp4.py, the path without 4/6.
    """
    return np.minimum(b * (t.encode * (ONE / m)), FLT_MAX)


def reciprocal_then_multiply(b: F32, t: Scales, m: np.float32, _: Recipe) -> F32:
    """Return S * (b * RN(1/m)): two roundings. N5c. Source: FlashInfer's default path."""
    return t.encode * (b * moved(np.asarray(ONE / m), t.ulps[0]))


def divide_by_decode(b: F32, t: Scales, m: np.float32, _: Recipe) -> F32:
    """Return b / (m * D): two roundings. N5d. Source: ModelOpt get_weights_scaling_factor."""
    return b / (m * t.decode)


def divide_then_divide(b: F32, t: Scales, m: np.float32, _: Recipe) -> F32:
    """Return (b / m) / D: two roundings. N5e. Source: torchao nvfp4_tensor.py::nvfp4_quantize."""
    return (b / m) / t.decode


def divide_in_input_dtype(b: F32, t: Scales, m: np.float32, _: Recipe) -> F32:
    """Return S * RN_T(b / m), T the input's dtype: two or three roundings. N5f.

    Source: compressed-tensors quantization/utils/helpers.py::calculate_qparams.
    """
    return t.encode * to_dtype(b / m, t.dtype)


def decode_reciprocal(b: F32, t: Scales, m: np.float32, _: Recipe) -> F32:
    """Return b * RN(1/(m*D)): one rounding per block. N5j. Source: FlashInfer page.cuh, precise_rounding."""
    return b * (ONE / (m * t.decode))


def multiply_then_divide(b: F32, t: Scales, m: np.float32, _: Recipe) -> F32:
    """Return (S * b) / m: two roundings. N5i. Source: fp-quant triton/nvfp4.py."""
    return (t.encode * b) / m


def reciprocal_per_maximum(b: F32, t: Scales, m: np.float32, _: Recipe) -> F32:
    """Return (b * RN(1/m)) * RN(1/D): two roundings a block. N5g. Source: Quartet II round_four_six.cu."""
    return (b * (ONE / m)) * moved(ONE / t.decode, t.ulps[1])


def normalised(b: F32, t: Scales, m: np.float32, r: Recipe) -> F32:
    """Return ((b / m) * M) / (A / m): three roundings a block. N5h.

    Specials: (b / m) of 0 counts as 1. Source: ModelOpt nvfp4_tensor.py::_cast_per_block_scale_to_fp8.
    """
    base = b / m
    base = np.where(base == 0, ONE, base).astype(np.float32)
    return (base * np.float32(r.scale_max)) / (t.amax / m)


def decode_then_divide(b: F32, t: Scales, m: np.float32, _: Recipe) -> F32:
    """Return (b / D) / m: two roundings. N5n. Source: NVFP4-RaZeR quantizer.py::quant_nvfp4_4over6."""
    return (b / t.decode) / m


def block_amax(b: F32, t: Scales, m: np.float32, _: Recipe) -> F32:  # noqa: ARG001
    """Return b. N5k. Source: OCP MX 1.0, section 6.3: the exponent of the largest value is shared."""
    return b


def logarithm(b: F32, t: Scales, m: np.float32, _: Recipe) -> F32:  # noqa: ARG001
    """Return P(b / m): one rounding, and that of the logarithm. N5l.

    Source: ModelOpt mxfp4_tensor.py; torchao mx_tensor.py::_to_mx_rceil.
    """
    return near_power(b / m, np.dtype(np.float32))


def logarithm_in_input_dtype(b: F32, t: Scales, m: np.float32, _: Recipe) -> F32:
    """Return P_T(RN_T(b / m)), T the input's dtype. N5m. Source: qwix qarray.py."""
    return near_power(to_dtype(b / m, t.dtype), t.dtype)


def near_power(base: F32, dtype: np.dtype[Any]) -> F32:
    """Return 2^l where l = RN_T(log2(base)) is a whole number, base elsewhere: P of N5.

    So the next power of two upward is 2^ceil(l), as a program has it that computes l in `dtype`.
    """
    exponent = to_dtype(log2(base), dtype)
    whole = np.isfinite(exponent) & (exponent == np.rint(exponent))
    power = np.ldexp(np.float32(1), np.where(whole, exponent, 0).astype(np.int32)).astype(np.float32)
    return np.where(whole, power, base)


BLOCK_SCALE: Mapping[BlockScale, BlockScaleFn] = MappingProxyType(
    {
        BlockScale.DIVIDE_THEN_MULTIPLY: divide_then_multiply,
        BlockScale.FOLDED_RECIPROCAL: folded_reciprocal,
        BlockScale.RECIPROCAL_THEN_MULTIPLY: reciprocal_then_multiply,
        BlockScale.DIVIDE_BY_DECODE: divide_by_decode,
        BlockScale.DIVIDE_THEN_DIVIDE: divide_then_divide,
        BlockScale.DECODE_RECIPROCAL: decode_reciprocal,
        BlockScale.MULTIPLY_THEN_DIVIDE: multiply_then_divide,
        BlockScale.DIVIDE_IN_INPUT_DTYPE: divide_in_input_dtype,
        BlockScale.RECIPROCAL_PER_MAXIMUM: reciprocal_per_maximum,
        BlockScale.NORMALISED: normalised,
        BlockScale.AMAX: block_amax,
        BlockScale.LOGARITHM: logarithm,
        BlockScale.LOGARITHM_IN_INPUT_DTYPE: logarithm_in_input_dtype,
        BlockScale.DECODE_THEN_DIVIDE: decode_then_divide,
    }
)
