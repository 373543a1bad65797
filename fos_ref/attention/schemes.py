"""What is done to q, k and v before attention: published preparations, restated from formulas, and mends.

Blocks along tokens are blocks of a column; blocks along the head dimension are blocks of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

import numpy as np

from fos_ref.attention.causal import attention
from fos_ref.engines.front import dequantize, quantize
from fos_ref.formats.arrays import F32

Head = Callable[[F32, F32, F32], F32]
_STATIC = np.float32(64)  #: a tensor amax that was calibrated before: no token of these moves it
_QUERIES = 32  #: queries that share a mean


def _fake(x: F32, recipe: str, amax: np.float32 | None) -> F32:
    """Return x quantized and dequantized; whole blocks are made with zeros."""
    q = quantize(np.ascontiguousarray(x), recipe, amax=amax, engine="numpy", padding="zero")
    return np.asarray(dequantize(q), dtype=np.float32)


def along_tokens(x: F32, recipe: str, amax: np.float32 | None = None) -> F32:
    """Return x quantized in blocks of consecutive tokens of a channel, as the product with P contracts."""
    return _fake(x.T, recipe, amax).T


def along_head(x: F32, recipe: str, amax: np.float32 | None = None) -> F32:
    """Return x quantized in blocks of channels of a token."""
    return _fake(x, recipe, amax)


def mended(x: F32, block: int, quantized: F32) -> F32:
    """Return (T, T, d): row i sees quantized tokens, those of its own block as they were.

    Source: the diagonal tiles of MatX's mend, floor(i/block) = floor(j/block), are not quantized.
    """
    tokens = np.arange(len(x)) // block
    diagonal = tokens[:, None] == tokens[None, :]
    return np.where(diagonal[..., None], x[None], quantized[None])


def _value(how: Callable[[F32], F32]) -> Head:
    return lambda q, k, v: attention(q, k, how(v), None)


def _mended_value(how: Callable[[F32], F32], block: int) -> Head:
    return lambda q, k, v: attention(q, k, v, None, mended(v, block, how(v)))


def _scores(how: Callable[[F32], F32]) -> Head:
    return lambda q, k, v: attention(how(q), how(k), v, None)


def _smoothed(quantized: Callable[[F32], F32]) -> Head:
    """Return a head whose keys lose their mean over all tokens. Source: SageAttention3 preprocess_qkv."""

    def head(q: F32, k: F32, v: F32) -> F32:
        return attention(q, quantized(k - _mean(k)), v, None)

    return head


def _mean(x: F32) -> F32:
    """Return the mean over tokens, summed in order."""
    total = np.zeros(x.shape[1], dtype=np.float32)
    for line in x:
        total = total + line
    return total / np.float32(len(x))


def _group_mean(q: F32, k: F32, v: F32) -> F32:
    """Return a head whose queries lose the mean of their group. Source: SageAttention3 triton_group_mean."""
    groups = [q[i : i + _QUERIES] for i in range(0, len(q), _QUERIES)]
    means = [np.broadcast_to(_mean(g), g.shape) for g in groups]
    mean = np.concatenate(means)
    small = along_head(q - mean, "nvfp4", _STATIC)
    return attention(small + mean, k, v, None)


def _kept(x: F32) -> F32:
    return x


_MX, _NV, _FOUR = "ocp-mxfp4", "nvfp4", "4over6"
_TOKENS = partial(along_tokens, recipe=_NV, amax=_STATIC)
_DYNAMIC = partial(along_tokens, recipe=_NV)
_HEAD_STATIC = partial(along_head, recipe=_NV, amax=_STATIC)
_HEAD = partial(along_head, recipe=_NV)
#: name -> head; docs/products.md says what each leaks and why.
SCHEMES: Mapping[str, Head] = MappingProxyType(
    {
        "unquantized": _value(_kept),
        "mxfp4-v-tokens": _value(partial(along_tokens, recipe=_MX)),
        "mxfp4-v-tokens-mended": _mended_value(partial(along_tokens, recipe=_MX), 32),
        "mxfp4-v-head": _value(partial(along_head, recipe=_MX)),
        "nvfp4-v-tokens": _value(_TOKENS),
        "nvfp4-v-tokens-mended": _mended_value(_TOKENS, 16),
        "nvfp4-v-tokens-dynamic": _value(_DYNAMIC),
        "nvfp4-v-tokens-dynamic-mended": _mended_value(_DYNAMIC, 16),
        "nvfp4-v-head-dynamic": _value(_HEAD),
        "nvfp4-v-head": _value(_HEAD_STATIC),
        "4over6-v-head": _value(partial(along_head, recipe=_FOUR, amax=_STATIC)),
        "4over6-v-tokens": _value(partial(along_tokens, recipe=_FOUR, amax=_STATIC)),
        "qk-head": _scores(_HEAD_STATIC),
        "qk-head-dynamic": _scores(_HEAD),
        "k-mean": _smoothed(_kept),
        "k-mean-nvfp4": _smoothed(_HEAD_STATIC),
        "q-group-mean": _group_mean,
    }
)
