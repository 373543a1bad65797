"""The element steps: from an input to its scaled value (N8), to a code, and what the code counts as (N9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from fos_ref.formats import BFLOAT16, decode, E2M1, encode, INT4
from fos_ref.formats.arrays import Bool, F32, U8
from fos_ref.model.rounding import moved, to_dtype
from fos_ref.model.scales import FLT_MAX, ONE
from fos_ref.model.trace import Blocks, Scales
from fos_ref.recipes.axes import (
    ElementCast,
    ElementFormat,
    ElementNan,
    ElementScaling,
    ReciprocalOverflow,
    ZeroScale,
    ZeroSign,
)
from fos_ref.recipes.recipe import Recipe

E2M1_VALUES: F32 = decode(np.arange(16), E2M1).astype(np.float32)
MINUS_ZERO = 1 << E2M1.sign_shift  #: the code
INT4_VALUES: F32 = decode(np.arange(16), INT4).astype(np.float32)


# --- N8: scaling -------------------------------------------------------------------------------------

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


def divide_by_product(x: F32, s: F32, t: Scales, _: Recipe) -> tuple[F32, F32]:
    """Return d = s*D and x/d: two roundings. N8b. Source: ModelOpt nvfp4_tensor.py::quantize."""
    d = s * t.decode
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
        }
    )
)

#: (block scale, block amax) -> blocks whose scaled values are forced to +0.
ZERO_SCALE: Mapping[ZeroScale, Callable[[F32, F32], Bool]] = MappingProxyType(
    {
        ZeroScale.ZERO_CODES: lambda s, _: s == 0,
        ZeroScale.NO_SPECIAL_CASE: lambda s, _: np.zeros(s.shape, dtype=np.bool_),
        ZeroScale.ZERO_BLOCKS: lambda _, b: b == 0,
        ZeroScale.SCALE_ONE: lambda s, _: np.zeros(s.shape, dtype=np.bool_),
        ZeroScale.MULTIPLIER_ZERO: lambda s, _: np.zeros(s.shape, dtype=np.bool_),  # see zero_multiplier
        ZeroScale.PRODUCT_ZERO: lambda s, _: np.zeros(s.shape, dtype=np.bool_),
        ZeroScale.PRODUCT_TINY: lambda s, _: np.zeros(s.shape, dtype=np.bool_),
        ZeroScale.SCALE_2_127: lambda s, _: np.zeros(s.shape, dtype=np.bool_),
        ZeroScale.SCALE_2_126: lambda s, _: np.zeros(s.shape, dtype=np.bool_),
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
    zero = ZERO_SCALE[r.zero_scale](s, blocks.amax)
    if zero.any():
        scaled = np.where(zero[..., None], np.float32(0), scaled)
    return multiplier, scaled


# --- N9: codes ---------------------------------------------------------------------------------------

ELEMENT_NAN: Mapping[ElementNan, int] = MappingProxyType(
    {
        ElementNan.CODE_7: 0x7,
        ElementNan.CODE_0: 0x0,
        ElementNan.CODE_8: 0x8,
        ElementNan.CODE_B: 0xB,
        ElementNan.WRAPS: 0xB,
    }
)


def saturate(y: F32) -> tuple[U8, F32]:
    """Return E2M1 codes, magnitudes above 5 to 6, as cvt.rn.satfinite.e2m1x2.f32, and their values. N9a."""
    codes = encode(y, E2M1).astype(np.uint8)
    return codes, E2M1_VALUES[codes]


MIDPOINTS: F32 = np.array([0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0], dtype=np.float32)


def ties_away(y: F32) -> tuple[U8, F32]:
    """Return E2M1 codes with every tie to the larger magnitude, saturating. N9c.

    Source: Quartet II nvfp4_triton.py, whose thresholds all compare with >=.
    """
    return _signed(y, np.searchsorted(MIDPOINTS, np.abs(y), side="right"))


def ties_to_smaller(y: F32) -> tuple[U8, F32]:
    """Return E2M1 codes with every tie to the smaller magnitude, saturating. N9e.

    Source: ModelOpt mxfp4_tensor.py and MLX, which take the first of two equally near values.
    """
    return _signed(y, np.searchsorted(MIDPOINTS, np.abs(y), side="left"))


def _signed(y: F32, size: np.ndarray) -> tuple[U8, F32]:
    """Return the codes with magnitudes `size` and the signs of y, and their values; NaN is the caller's."""
    magnitude = size.astype(np.uint8)
    magnitude[np.isnan(y)] = 0x7
    codes = magnitude | (np.signbit(y).astype(np.uint8) << np.uint8(E2M1.sign_shift))
    return codes, E2M1_VALUES[codes]


def first_nearest(y: F32) -> tuple[U8, F32]:
    """Return the first E2M1 code whose |y - value|, rounded to float32, is least. N9f.

    A midpoint goes to the smaller magnitude, and no code is 8.
    Specials: the differences of a large y collide; an infinite y has code 0.
    Source:   MLX ops.cpp::fp_quantize, an argmin over the 16 values.
    """
    codes = np.argmin(np.abs(y[..., None] - E2M1_VALUES), axis=-1).astype(np.uint8)
    return codes, E2M1_VALUES[codes]


def unsaturated(y: F32) -> tuple[U8, F32]:
    """Round onto the E2M1 grid continued upward in steps of 2; take the code from the bfloat16 bits. N9b.

    A magnitude of 7 and above becomes 8 or more, and its code (exponent - 126) * 2 + top fraction bit passes
    7: 8 gives code 8, which reads as -0; 12 gives 9; 256 gives 18, which spills into the neighbour's nibble.
    From 2**127 on the value is NaN: the reference doubles it for the finest grid, which overflows, and
    multiplies that by a mask of zero.
    Source: fouroversix reference.py::fake_quantize_to_e2m1 and ::quantize_bf16_to_unpacked_fp4.
    """
    a = np.abs(y)
    step = np.where(a < 2, np.float32(0.5), np.where(a < 4, np.float32(1), np.float32(2)))  # noqa: PLR2004 -- the grid itself
    q = np.rint(a / step) * step
    q = np.where(np.isinf(a + a), np.float32(np.nan), q)
    bf16 = encode(q, BFLOAT16).astype(np.int32)
    exponent, fraction = bf16 >> BFLOAT16.fraction_bits, (bf16 >> (BFLOAT16.fraction_bits - 1)) & 1
    half_code = exponent - (BFLOAT16.bias - 1)
    magnitude = np.where(half_code == 0, 1, (half_code << 1) | fraction)
    magnitude = np.where(q == 0, 0, magnitude)
    codes = (magnitude | (np.signbit(y).astype(np.int32) << E2M1.sign_shift)).astype(np.uint8)
    return codes, np.copysign(q, y)


ELEMENT_CAST: Mapping[ElementCast, Callable[[F32], tuple[U8, F32]]] = MappingProxyType(
    {
        ElementCast.SATURATE: saturate,
        ElementCast.TIES_AWAY: ties_away,
        ElementCast.TIES_TO_SMALLER: ties_to_smaller,
        ElementCast.FIRST_NEAREST: first_nearest,
        ElementCast.UNSATURATED: unsaturated,
    }
)

#: (scaled value, its code) -> where the code's sign changes: to +0, or for NOT_POSITIVE to -0.
ZERO_SIGN: Mapping[ZeroSign, Callable[[F32, U8], Bool]] = MappingProxyType(
    {
        ZeroSign.SIGN_BIT: lambda y, _: np.zeros(y.shape, dtype=np.bool_),
        ZeroSign.NEGATIVE_VALUES: lambda y, _: y == 0,
        ZeroSign.NEVER: lambda y, code: (code == 1 << E2M1.sign_shift) & (np.abs(y) < 1),
        ZeroSign.NOT_POSITIVE: lambda y, code: (y == 0) & (code == 0),
    }
)


def cast_e2m1(y: F32, r: Recipe) -> tuple[U8, F32]:
    """Return (E2M1 codes, the values they count as in the error): one rounding. N9."""
    codes, values = ELEMENT_CAST[r.element_cast](y)
    nan = np.isnan(y) | np.isnan(values)
    if nan.any():
        codes[nan] = ELEMENT_NAN[r.element_nan]
        if r.element_cast is not ElementCast.UNSATURATED:
            values = E2M1_VALUES[codes]
    codes[ZERO_SIGN[r.zero_sign](y, codes)] = MINUS_ZERO if r.zero_sign is ZeroSign.NOT_POSITIVE else 0
    return codes, values


def cast_int4(y: F32, _: Recipe) -> tuple[U8, F32]:
    """Return (INT4 codes, their values): clamp to +-7, then one rounding to nearest even. N9d.

    Source: fouroversix reference.py::fake_quantize_to_int4.
    """
    codes = encode(np.clip(y, np.float32(-7), np.float32(7)), INT4).astype(np.uint8)
    return codes, INT4_VALUES[codes]


@dataclass(frozen=True, slots=True)
class Grid:
    """How one candidate turns scaled values into codes, and what a code is worth."""

    cast: Callable[[F32, Recipe], tuple[U8, F32]]
    rescale: np.float32 = ONE  #: applied to the scaled value before the cast; times 1 is exact
    unit: np.float32 = ONE  #: the worth of one step, applied in the error and in dequantization


#: Float32 of 7/6 and 6/7, the constants of fouroversix's IF4.
_INT4_SEVENTHS = Grid(cast_int4, rescale=np.float32(7 / 6), unit=np.float32(6 / 7))

#: The grids of (map6, map4).
ELEMENT_FORMAT: Mapping[ElementFormat, tuple[Grid, Grid]] = MappingProxyType(
    {
        ElementFormat.E2M1: (Grid(cast_e2m1), Grid(cast_e2m1)),
        ElementFormat.INT4: (Grid(cast_int4), Grid(cast_int4)),
        ElementFormat.E2M1_OR_INT4: (Grid(cast_e2m1), _INT4_SEVENTHS),
    }
)
