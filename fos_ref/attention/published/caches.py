"""Caches of keys and values: blocks along the head dimension are clean, an amax over the cache is not."""

from __future__ import annotations

import numpy as np

from fos_ref.attention.causal import attention
from fos_ref.attention.operand import fake
from fos_ref.attention.published.row import Published
from fos_ref.engines.front import dequantize, quantize
from fos_ref.formats.arrays import F32

_STATIC = np.float32(64)  #: of a calibration
_E4M3_MAX = np.float32(448)
_LEAST = np.float32(1e-12)


def static(q: F32, k: F32, v: F32) -> F32:
    """Return the head over an NVFP4 cache: a token has its own blocks, the scales of tensors are given.

    Shapes:   (T, d) each -> (T, d)
    Rounding: of K and V as recipe nvfp4, with a static tensor amax; float32
    Specials, errors: of `quantize`
    """
    return attention(q, fake(k, "nvfp4", _STATIC), fake(v, "nvfp4", _STATIC))


def paged(q: F32, k: F32, v: F32) -> F32:
    """Return the heads over one paged cache whose scales are made of all of it: 448 over its amax.

    Shapes:   (T, d), or (B, T, d) for B requests in one cache -> the same
    Rounding: of K and V as recipe flashinfer-nvfp4 with encode scale RN(448/max(amax, 1e-12)); float32
    Specials, errors: of `quantize`
    """
    k, v = _cached(k), _cached(v)
    if q.ndim == 2:  # noqa: PLR2004 -- one request
        return attention(q, k, v)
    return np.stack([attention(*one) for one in zip(q, k, v, strict=True)])


def _cached(x: F32) -> F32:
    scale = _E4M3_MAX / np.maximum(np.max(np.abs(x)), _LEAST)
    q = quantize(np.ascontiguousarray(x), "flashinfer-nvfp4", encode_scale=scale, engine="numpy")
    return np.asarray(dequantize(q), dtype=np.float32)


_ROW = "one row a token, an E4M3 scale for 16 channels, tensor scales of a calibration"
CACHES = (
    Published(
        name="vllm-kv",
        source="vllm-project/vllm and NVIDIA/TensorRT-LLM: NVFP4 caches of keys and values, static scales",
        head=static,
        kind=None,
        tensors="",
        why=f"{_ROW}; the interleave of V's scales by 4 tokens moves bytes only",
    ),
    Published(
        name="flashinfer-kv-append",
        source="flashinfer-ai/flashinfer@fb28d72:csrc/fp4_kv_quantization.cu",
        head=static,
        kind=None,
        tensors="",
        why="blocks of 16 channels, the tensor scale is the caller's",
    ),
    Published(
        name="flashinfer-paged-kv",
        source=(
            "flashinfer-ai/flashinfer@fb28d72:flashinfer/quantization/fp4_quantization.py::"
            "nvfp4_quantize_paged_kv_cache (no global scale given)"
        ),
        head=paged,
        kind="tensor-amax",
        tensors="kv",
        why="the amax of the whole cache: of tokens to come, and of other requests",
    ),
)
