"""ggml's product: activations in blocks of 32 8-bit integers, weights in NVFP4, whole-number sums of 16."""

from __future__ import annotations

import numpy as np

from fos_ref.engines.front import dequantize
from fos_ref.errors import InputError
from fos_ref.formats.arrays import F32, I64
from fos_ref.matmul.operand import columns, GROUP, operand, operands
from fos_ref.recipes.axes import ElementFormat
from fos_ref.storage.tensor import QuantizedTensor

_BLOCK = 32  #: activations under one float16 scale
_LARGEST = np.float32(127)
_HALF = np.float32(0.5)


def eight_bits(x: F32) -> tuple[I64, F32]:
    """Return (codes, scales) of activations in 8 bits: whole numbers -127..127 under float16 scales.

    Shapes:   (M, K), K a multiple of 32 -> (M, K) and (M, K/32)
    Rounding: d = amax/127; 1/d; x*(1/d); to the nearest whole number, ties away from zero; d to float16.
    Specials: a block of zeros has d = 0 and codes 0. One with a NaN or an infinity has NaN for a scale; what
              the program makes of it is not defined.
    Source:   ggml-org/llama.cpp@aec5bf1:ggml/src/ggml-quants.c::quantize_row_q8_0_ref
    """
    blocks = x.reshape(len(x), -1, _BLOCK)
    with np.errstate(all="ignore"):
        d = np.max(np.abs(blocks), axis=2, initial=0) / _LARGEST
        inverse = np.where(d == 0, np.float32(0), np.float32(1) / d)
        scaled = (blocks * inverse[..., None]).astype(np.float64)
        away = np.copysign(np.floor(np.abs(scaled) + 0.5), scaled)
        narrow = np.where(np.isfinite(d), d, np.float32(np.nan)).astype(np.float16).astype(np.float32)
    whole = np.where(np.isfinite(away), away, 0).astype(np.int64)
    return whole.reshape(x.shape), narrow


def eight_bit_product(a: QuantizedTensor, b: QuantizedTensor) -> F32:
    """Return ggml's product of the values of `a`, in 8 bits, and of `b`.

    Shapes:   a (M, K), b (N, K), K a multiple of 64 -> (M, N)
    Rounding: of `a` as `dequantize` and `eight_bits` do; for each 16 values RN(RN(da*db) * sum), with db half
              the block scale and the sum of whole numbers exact; float32 additions in order; RN(D*sum).
    Specials: block scale 7F counts as 0.
    Raises:   InputError for other operands than E2M1 with E4M3 scales, and for K that is no multiple of 64.
    Source:   ggml-org/llama.cpp@aec5bf1:ggml/src/ggml-cpu/quants.c::ggml_vec_dot_nvfp4_q8_0_generic
    """
    x, _ = operands(a, b, "ggml")
    y = operand(b, GROUP)
    r, k = b.recipe, columns(b)
    plain = r.element_format is ElementFormat.E2M1 and not r.scale_format.is_power
    if not plain or k % (2 * _BLOCK):
        msg = f"ggml of {k} columns of {r.name}: NVFP4 weights in superblocks of 64 are allowed"
        raise InputError(msg)
    values = np.zeros((len(x.values), k), dtype=np.float32)
    flat = np.asarray(dequantize(a), dtype=np.float32).reshape(len(values), -1)
    values[:, : flat.shape[1]] = flat
    codes, scales = eight_bits(values)
    parts = codes.reshape(len(codes), -1, GROUP)
    halves = np.where(np.isnan(y.scales), np.float32(0), y.scales) * _HALF
    total = np.zeros((len(codes), len(y.values)), dtype=np.float32)
    with np.errstate(all="ignore"):
        for g in range(parts.shape[1]):
            sums = (parts[:, g] @ y.elements[:, g].T).astype(np.float32)
            factor = scales[:, g // 2, None] * halves[None, :, g]
            total = total + factor * sums
        return np.asarray(_tensor_scale(b) * total, dtype=np.float32)


def _tensor_scale(b: QuantizedTensor) -> F32:
    """Return D of the weights as (1, N) or (1, 1)."""
    return b.decode_scale.reshape(1, -1)
