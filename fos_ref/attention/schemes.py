"""Twenty ways to quantize causal attention, restated from formulas: what leaks, and what mends it.

The mends: the diagonal block as it was (MatX), blocks along the head dimension, a tensor amax that was
calibrated before, a block amax that runs with the tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

import numpy as np

from fos_ref.attention.causal import attention, Weights
from fos_ref.attention.operand import along_head, along_tokens, dot, group_means, mean, mended, running
from fos_ref.formats.arrays import F32

Head = Callable[[F32, F32, F32], F32]
_STATIC = np.float32(64)  #: a tensor amax that was calibrated before: no token of these moves it
_QUERIES = 32  #: queries that share a mean


def _value(how: Callable[[F32], F32]) -> Head:
    return lambda q, k, v: attention(q, k, how(v))


def _mended_value(how: Callable[[F32], F32], block: int) -> Head:
    return lambda q, k, v: attention(q, k, v, None, mended(v, block, how(v)))


def _scores(how: Callable[[F32], F32]) -> Head:
    return lambda q, k, v: attention(how(q), how(k), v)


def _weights(how: Weights) -> Head:
    return lambda q, k, v: attention(q, k, v, weights=how)


def _smoothed(quantized: Callable[[F32], F32]) -> Head:
    """Return a head whose keys lose their mean over all tokens. Source: SageAttention3 preprocess_qkv."""
    return lambda q, k, v: attention(q, quantized(k - mean(k)), v)


def _group_mean(q: F32, k: F32, v: F32) -> F32:
    """Return a head whose queries lose the mean of their group. Source: SageAttention3 triton_group_mean."""
    taken = group_means(q, _QUERIES)
    small = along_head(q - taken, "nvfp4", _STATIC)
    return attention(small, k, v, correction=dot(taken, k))


def _kept(x: F32) -> F32:
    return x


_MX, _NV, _FOUR = "ocp-mxfp4", "nvfp4", "4over6"
_TOKENS = partial(along_tokens, recipe=_NV, amax=_STATIC)
_DYNAMIC = partial(along_tokens, recipe=_NV)
_HEAD_STATIC = partial(along_head, recipe=_NV, amax=_STATIC)
_HEAD = partial(along_head, recipe=_NV)
#: name -> head; docs/leak.md says what each leaks and why.
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
        "nvfp4-v-tokens-running": _value(partial(running, recipe=_NV, amax=_STATIC)),
        "nvfp4-v-head-dynamic": _value(_HEAD),
        "nvfp4-v-head": _value(_HEAD_STATIC),
        "4over6-v-head": _value(partial(along_head, recipe=_FOUR, amax=_STATIC)),
        "4over6-v-tokens": _value(partial(along_tokens, recipe=_FOUR, amax=_STATIC)),
        "qk-head": _scores(_HEAD_STATIC),
        "qk-head-dynamic": _scores(_HEAD),
        "k-mean": _smoothed(_kept),
        "k-mean-nvfp4": _smoothed(_HEAD_STATIC),
        "q-group-mean": _group_mean,
        "p-rows": _weights(partial(along_head, recipe="te-nvfp4-row")),
        "p-tensor": _weights(_HEAD),
    }
)
