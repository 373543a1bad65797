"""The step from an input to its scaled value: the scalings, and what is done about a scale of 0 (N8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from fos_ref.formats.arrays import Bool, F32
from fos_ref.model.rounding import moved, to_dtype
from fos_ref.model.scales import FLT_MAX, ONE
from fos_ref.model.trace import Blocks, Scales
from fos_ref.recipes.axes import ElementScaling, ReciprocalOverflow, ZeroScale
from fos_ref.recipes.recipe import Recipe

RECIPROCAL_OVERFLOW: Mapping[ReciprocalOverflow, Callable[[F32], F32]] = MappingProxyType(
    {
        ReciprocalOverflow.CLAMP_TO_MAX: lambda inv: np.minimum(inv, FLT_MAX),
        ReciprocalOverflow.INFINITY: lambda inv: inv,
        ReciprocalOverflow.MINIMUM_NUMBER: lambda inv: np.where(inv <= FLT_MAX, inv, FLT_MAX),
    }
)


def reciprocal_of_product(x: F32, s: F32, t: Scales, r: Recipe) -> tuple[F32, F32]:
    """Return m = 1/(s*D) and x*m: three roundings. N8a. 1/(s*D) may overflow: RECIPROCAL_OVERFLOW."""
    m = RECIPROCAL_OVERFLOW[r.reciprocal_overflow](moved(ONE / (s * t.decode), t.ulps[2]))
    return m, x * m[..., None]


def divide_by_product(x: F32, s: F32, t: Scales, r: Recipe) -> tuple[F32, F32]:
    """Return d = s*D and x/d: two roundings. N8b. Source: ModelOpt nvfp4_tensor.py::quantize.

    Specials: a product of 0 is 1 under PRODUCT_ONE, as in FP-Quant quantizer.py.
    """
    d = s * t.decode
    if r.zero_scale is ZeroScale.PRODUCT_ONE:
        d = np.where(d == 0, ONE, d)
    return d, x / d[..., None]


def divide_by_quotient(x: F32, s: F32, t: Scales, _: Recipe) -> tuple[F32, F32]:
    """Return d = s/S and x/d: two roundings. N8c. Source: compressed-tensors forward_helpers.py."""
    d = s / t.encode
    return d, x / d[..., None]


def reciprocal_quotient(x: F32, s: F32, t: Scales, _: Recipe) -> tuple[F32, F32]:
    """Return m = (1/D)/s and x*m: three roundings. N8d. Source: torchao nvfp4_tensor.py::nvfp4_quantize."""
    m = (ONE / t.decode) / s
    return m, x * m[..., None]


def encode_quotient(x: F32, s: F32, t: Scales, _: Recipe) -> tuple[F32, F32]:
    """Return m = S/s and x*m: two roundings. N8f. Source: MLX fp_quantized.h and fp_quantize.cuh."""
    m = t.encode / s
    return m, x * m[..., None]


def divide_then_encode(x: F32, s: F32, t: Scales, _: Recipe) -> tuple[F32, F32]:
    """Return s and RN_T(x/s)*S: two or three roundings. N8e. Source: MLX ops.cpp::fp_quantize on a CPU."""
    return s, to_dtype(x / s[..., None], t.dtype) * t.per_element().encode


def encode_then_divide(x: F32, s: F32, t: Scales, _: Recipe) -> tuple[F32, F32]:
    """Return s and (x*S)/s: two roundings. N8g. Source: fp-quant triton/nvfp4.py."""
    return s, (x * t.per_element().encode) / s[..., None]


def decode_then_divide(x: F32, s: F32, t: Scales, _: Recipe) -> tuple[F32, F32]:
    """Return s and (x/D)/s: two roundings. N8h. Source: NVFP4-RaZeR quantizer.py::quant_nvfp4_4over6."""
    return s, (x / t.per_element().decode) / s[..., None]


ELEMENT_SCALING: Mapping[ElementScaling, Callable[[F32, F32, Scales, Recipe], tuple[F32, F32]]] = (
    MappingProxyType(
        {
            ElementScaling.RECIPROCAL_OF_PRODUCT: reciprocal_of_product,
            ElementScaling.DIVIDE_BY_PRODUCT: divide_by_product,
            ElementScaling.DIVIDE_BY_QUOTIENT: divide_by_quotient,
            ElementScaling.RECIPROCAL_QUOTIENT: reciprocal_quotient,
            ElementScaling.ENCODE_QUOTIENT: encode_quotient,
            ElementScaling.DIVIDE_THEN_ENCODE: divide_then_encode,
            ElementScaling.ENCODE_THEN_DIVIDE: encode_then_divide,
            ElementScaling.DECODE_THEN_DIVIDE: decode_then_divide,
        }
    )
)

#: (block scale, block amax, divisor or multiplier) -> blocks whose scaled values are forced to +0.
ZERO_SCALE: Mapping[ZeroScale, Callable[[F32, F32, F32], Bool]] = MappingProxyType(
    {
        ZeroScale.ZERO_CODES: lambda s, *_: s == 0,
        ZeroScale.NO_SPECIAL_CASE: lambda s, *_: np.zeros(s.shape, dtype=np.bool_),
        ZeroScale.ZERO_BLOCKS: lambda _, b, __: b == 0,
        ZeroScale.SCALE_ONE: lambda s, *_: np.zeros(s.shape, dtype=np.bool_),
        ZeroScale.MULTIPLIER_ZERO: lambda s, *_: np.zeros(s.shape, dtype=np.bool_),  # see zero_multiplier
        ZeroScale.PRODUCT_ZERO: lambda s, *_: np.zeros(s.shape, dtype=np.bool_),
        ZeroScale.PRODUCT_TINY: lambda s, *_: np.zeros(s.shape, dtype=np.bool_),
        ZeroScale.SCALE_2_127: lambda s, *_: np.zeros(s.shape, dtype=np.bool_),
        ZeroScale.SCALE_2_126: lambda s, *_: np.zeros(s.shape, dtype=np.bool_),
        ZeroScale.DIVISOR_ZERO: lambda _, __, d: d == 0,
        ZeroScale.PRODUCT_ONE: lambda s, *_: np.zeros(s.shape, dtype=np.bool_),
    }
)


def zero_multiplier(s: F32, t: Scales, r: Recipe) -> tuple[Bool, np.float32] | None:
    """Return where a block's multiplier is replaced, and by what; None for a recipe without such a rule. N8.

    Source: FlashInfer 0.7.4 quantization_utils.cuh::cvt_warp_fp16_to_fp4 (s = 0); the reciprocals of
            auto-round data_type/nvfp.py and of vLLM nvfp4_emulation_utils.py (s*D = 0).
    """
    if r.zero_scale is ZeroScale.MULTIPLIER_ZERO:
        return s == 0, np.float32(0)
    if r.zero_scale in (ZeroScale.PRODUCT_ZERO, ZeroScale.PRODUCT_TINY):
        return s * t.decode == 0, np.float32(0 if r.zero_scale is ZeroScale.PRODUCT_ZERO else 1e-8)
    return None


def counted(s: F32, r: Recipe) -> F32:
    """Return block scales with what the recipe takes in place of a scale of 0."""
    instead = {
        ZeroScale.SCALE_ONE: ONE,
        ZeroScale.SCALE_2_127: np.float32(2.0**-127),
        ZeroScale.SCALE_2_126: np.float32(2.0**-126),
    }
    return np.where(s == 0, instead[r.zero_scale], s) if r.zero_scale in instead else s


def scale_elements(blocks: Blocks, s: F32, r: Recipe) -> tuple[F32, F32]:
    """Return (multiplier or divisor per block, scaled values) of blocks under block scales s. N8."""
    s = counted(s, r)
    multiplier, scaled = ELEMENT_SCALING[r.element_scaling](blocks.x, s, blocks.scales, r)
    instead = zero_multiplier(s, blocks.scales, r)
    if instead is not None and instead[0].any():
        multiplier = np.where(instead[0], instead[1], multiplier).astype(np.float32)
        scaled = np.where(instead[0][..., None], blocks.x * instead[1], scaled)
    zero = ZERO_SCALE[r.zero_scale](s, blocks.amax, multiplier)
    if zero.any():
        scaled = np.where(zero[..., None], np.float32(0), scaled)
    return multiplier, scaled
