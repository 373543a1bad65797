"""SageAttention3 and FlashInfer's nvfp4_attention_sm120: means of keys and queries, V along tokens.

Four channels lead from later tokens to earlier outputs, all under a causal mask:

1. k loses its mean over all tokens.
2. q loses the mean of its 128 queries.
3. The scores get the product of both back: mean of the queries times the smoothed keys.
4. v is in blocks of 16 tokens.
"""

from __future__ import annotations

import numpy as np

from fos_ref.attention.causal import attention
from fos_ref.attention.operand import along_head, along_tokens, dot, group_means, mean
from fos_ref.attention.published.row import Published
from fos_ref.formats.arrays import F32

_GROUP = 128  #: queries that share a mean, padded with zeros
_UNIT = np.float32(6 * 448)  #: the amax whose tensor scale is 1: the block scale is RN(amax/6) alone


def _weights(p: F32) -> F32:
    """Return P quantized in two levels: a factor 1/(448*6) of a row, and block scales of 16 keys.

    Source: thu-ml/SageAttention@d1a57a5 softmax_fused.h. The largest weight of a row is 1 there.
    """
    return along_head(p, "nvfp4", np.float32(1))


def _smoothed(q: F32, k: F32, v: F32) -> F32:
    """Return the head after the keys have lost their mean."""
    taken = group_means(q, _GROUP)
    return attention(
        along_head(q - taken, "nvfp4", _UNIT),
        along_head(k, "nvfp4", _UNIT),
        along_tokens(v, "nvfp4", _UNIT),
        correction=dot(taken, k),
        weights=_weights,
    )


def sage(q: F32, k: F32, v: F32) -> F32:
    """Return sageattn3_blackwell(is_causal=True): k is changed in place, the caller's own.

    Shapes:   (T, d) each -> (T, d); T is padded with zeros to whole groups of 128
    Rounding: float32 here; the program takes the means in the dtype of its input
    Specials: none are written down: NaN goes where the sums lead it
    Errors:   InputError of `quantize` for infinity and NaN
    """
    k -= mean(k)
    return _smoothed(q, k, v)


def flashinfer(q: F32, k: F32, v: F32) -> F32:
    """Return nvfp4_attention_sm120_fwd(causal=True): as `sage`, on keys of its own.

    Shapes, rounding, specials, errors: as `sage`.
    """
    return _smoothed(q, k - mean(k), v)


_WHY = "mean of all keys; mean of 128 queries; both in the correction of the scores; V in 16s along tokens"
SMOOTHED = (
    Published(
        name="sageattention3",
        source="thu-ml/SageAttention@d1a57a5:sageattention3_blackwell/sageattn3/api.py::preprocess_qkv",
        head=sage,
        kind="mean",
        tensors="qkv",
        why=f"{_WHY}; the caller's k is changed in place",
    ),
    Published(
        name="flashinfer-sm120",
        source="flashinfer-ai/flashinfer@fb28d72:flashinfer/nvfp4_attention_sm120.py::_preprocess_qkv",
        head=flashinfer,
        kind="mean",
        tensors="qkv",
        why=_WHY,
    ),
)
