"""From codes and scales back to values, by the recipe's own expression (N14)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from fos_ref.formats import decode, E8M0, UE4M3, UE5M3
from fos_ref.formats.arrays import Bool, F32, U8
from fos_ref.model.elements import ELEMENT_FORMAT
from fos_ref.model.quantize import INT4_FLAG
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import Candidates, Dequantize, ScaleFormat
from fos_ref.recipes.recipe import Recipe

#: (q values of the codes, s block scales, tensor scales) -> values
DequantizeFn = Callable[[F32, F32, Scales], F32]


def amax_divide(q: F32, s: F32, t: Scales) -> F32:
    """Return ((q*s) * A) / C: two roundings. Source: fouroversix quantized_tensor.py on a CPU."""
    return ((q * s) * t.amax) / t.range_max


def amax_reciprocal(q: F32, s: F32, t: Scales) -> F32:
    """Return q * ((s*A) * RN(1/C)): three roundings. Source: TransformerEngine dequantize_nvfp4.cuh."""
    return q * ((s * t.amax) * (np.float32(1) / t.range_max))


def decode_scaled(q: F32, s: F32, t: Scales) -> F32:
    """Return (q*s) * D: one rounding."""
    return (q * s) * t.decode


def decode_product(q: F32, s: F32, t: Scales) -> F32:
    """Return q * (s*D): two roundings. Source: ModelOpt's and Quartet II's fake quantizers."""
    return q * (s * t.decode)


def decode_quotient(q: F32, s: F32, t: Scales) -> F32:
    """Return q * (s/S): two roundings. Source: compressed-tensors forward_helpers.py."""
    return q * (s / t.encode)


def amax_quotient(q: F32, s: F32, t: Scales) -> F32:
    """Return q * (s * (A/C)): three roundings. Source: MLX fp_quantized.h."""
    return q * (s * (t.amax / t.range_max))


def encode_divide(q: F32, s: F32, t: Scales) -> F32:
    """Return (q*s) / S: one rounding. Source: fp-quant triton/nvfp4.py."""
    return (q * s) / t.encode


DEQUANTIZE: Mapping[Dequantize, DequantizeFn] = MappingProxyType(
    {
        Dequantize.AMAX_DIVIDE: amax_divide,
        Dequantize.AMAX_RECIPROCAL: amax_reciprocal,
        Dequantize.DECODE: decode_scaled,
        Dequantize.DECODE_PRODUCT: decode_product,
        Dequantize.DECODE_QUOTIENT: decode_quotient,
        Dequantize.AMAX_QUOTIENT: amax_quotient,
        Dequantize.ENCODE_DIVIDE: encode_divide,
    }
)


def dequantize_matrix(codes: U8, block_scales: U8, scales: Scales, r: Recipe) -> F32:
    """Return the float32 values (R, C) of codes (R, C) under block scale bytes (R, C / block columns).

    Shapes:   scales (), (R,) or (R, 1) each
    Rounding: as DEQUANTIZE[r.dequantize] lists; codes times scales is exact. Integers beside floats count in
              units of float32(6/7) for IF4: one more product at the end.
    Specials: a NaN scale byte makes its block NaN; the sign bit of an E4M3 scale is a flag, not a sign. Bits
              of a byte above the format's width count nowhere.
    """
    blocks = codes.reshape(codes.shape[0], codes.shape[1] // r.block_cols, r.block_cols)
    s = scale_values(block_scales, r)[..., None]
    second = holds_second(block_scales, r)[..., None]
    values = element_values(blocks, second, r)
    unit = ELEMENT_FORMAT[r.element_format][1].unit
    with np.errstate(all="ignore"):
        out = DEQUANTIZE[r.dequantize](values, s, scales.per_row())
        out = np.where(second, out * unit, out)
    return out.reshape(codes.shape)


def element_values(codes: U8, second: Bool, r: Recipe) -> F32:
    """Return what codes count as, in steps of their format; `second` says where that is the second one."""
    first, other = ELEMENT_FORMAT[r.element_format]
    q = codes & np.uint8((1 << r.element.width) - 1)
    values: F32 = first.values[q]
    return np.where(second, other.values[q], values) if r.candidates is Candidates.FLOAT_OR_INT else values


def scale_values(block_scales: U8, r: Recipe) -> F32:
    """Return the values of block scale bytes."""
    match r.scale_format:
        case ScaleFormat.E4M3:
            return decode(block_scales & np.uint8(0x7F), UE4M3).astype(np.float32)
        case ScaleFormat.E4M3_HALF_UP:
            values = decode(block_scales & np.uint8(0x7F), UE4M3).astype(np.float32)
            return np.where(np.isnan(values), np.float32(0), values)
        case ScaleFormat.E5M3:
            return decode(block_scales, UE5M3).astype(np.float32)
        case ScaleFormat.E8M0_UP:
            return (block_scales.astype(np.uint32) << np.uint32(23)).view(np.float32)
        case _:
            return decode(block_scales, E8M0).astype(np.float32)


def holds_second(block_scales: U8, r: Recipe) -> Bool:
    """Return where a block's codes are those of the second format: as the scale byte's sign bit says."""
    if r.candidates is Candidates.FLOAT_OR_INT:
        flagged: Bool = (block_scales & INT4_FLAG) != 0
        return flagged
    return np.zeros(block_scales.shape, dtype=np.bool_)
