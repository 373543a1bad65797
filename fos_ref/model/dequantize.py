"""From codes and scales back to values, by the recipe's own expression (N14)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from fos_ref.formats import decode, UE4M3
from fos_ref.formats.arrays import F32, U8
from fos_ref.model.elements import E2M1_VALUES
from fos_ref.recipes.axes import Dequantize
from fos_ref.recipes.recipe import BLOCK, Recipe


def amax_divide(q: F32, s: F32, amax: F32, s_dec: F32, c: np.float32) -> F32:  # noqa: ARG001
    """Return ((q*s) * A) / C: two roundings. Source: fouroversix quantized_tensor.py on a CPU."""
    return ((q * s) * amax) / c


def amax_reciprocal(q: F32, s: F32, amax: F32, s_dec: F32, c: np.float32) -> F32:  # noqa: ARG001
    """Return q * ((s*A) * RN(1/C)): three roundings. Source: TransformerEngine dequantize_nvfp4.cuh."""
    return q * ((s * amax) * (np.float32(1) / c))


def decode_scaled(q: F32, s: F32, amax: F32, s_dec: F32, c: np.float32) -> F32:  # noqa: ARG001
    """Return (q*s) * D: one rounding."""
    return (q * s) * s_dec


DEQUANTIZE: Mapping[Dequantize, Callable[[F32, F32, F32, F32, np.float32], F32]] = MappingProxyType(
    {
        Dequantize.AMAX_DIVIDE: amax_divide,
        Dequantize.AMAX_RECIPROCAL: amax_reciprocal,
        Dequantize.DECODE: decode_scaled,
    }
)


def dequantize_matrix(codes: U8, block_scales: U8, amax: F32, s_dec: F32, r: Recipe) -> F32:
    """Return the float32 values (R, C) of codes (R, C) under block scale bytes (R, C/16).

    Shapes:   amax and s_dec () or (R,)
    Rounding: as DEQUANTIZE[r.dequantize] lists; codes times scales is exact.
    Specials: a NaN scale byte makes its block NaN; the scale's sign bit is not a sign and is dropped.
    """
    q = E2M1_VALUES[codes & np.uint8(0xF)].reshape(codes.shape[0], codes.shape[1] // BLOCK, BLOCK)
    s = decode(block_scales & np.uint8(0x7F), UE4M3).astype(np.float32)[..., None]
    a, d = (np.asarray(v, dtype=np.float32).reshape(-1, 1, 1) for v in (amax, s_dec))
    with np.errstate(all="ignore"):
        return DEQUANTIZE[r.dequantize](q, s, a, d, np.float32(r.range_max)).reshape(codes.shape)
