"""Model-Optimizer's fake quantization of P and V: prefill and decode give an open group two meanings."""

from __future__ import annotations

import numpy as np

from fos_ref.attention.causal import attention
from fos_ref.attention.operand import along_head, along_tokens
from fos_ref.attention.published.row import Published
from fos_ref.formats.arrays import F32

_GROUP = 16
_UNIT = np.float32(6 * 448)  #: v_qdq_scale 1: the block scale is RN(amax/6) alone
_SOURCE = "NVIDIA/Model-Optimizer@a2fbac7:modelopt/torch/kernels/quantization/attention/bmm2_qdq.py::{}"


def _weights(p: F32) -> F32:
    """Return P in blocks of 16 keys under p_qdq_amax = 1."""
    return along_head(p, "nvfp4", np.float32(1))


def prefill(q: F32, k: F32, v: F32) -> F32:
    """Return the head that sees all tokens: V in 16s along keys, the group of the diagonal too.

    Shapes:   (T, d) each -> (T, d); a last group is filled with zeros
    Rounding: of P and V as recipe nvfp4; float32
    Specials, errors: of `quantize`
    """
    return attention(q, k, along_tokens(v, "nvfp4", _UNIT), weights=_weights)


def decode(q: F32, k: F32, v: F32) -> F32:
    """Return the rows that decoding gives: V is quantized when its group of 16 is complete, not before.

    Row i sees the groups that tokens 0..i complete quantized, and the open group as it was.
    Shapes, rounding, specials, errors: as `prefill`.
    """
    tokens = np.arange(len(v))
    complete = tokens[None, :] // _GROUP < (tokens[:, None] + 1) // _GROUP
    quantized = along_tokens(v, "nvfp4", _UNIT)
    return attention(q, k, v, None, np.where(complete[..., None], quantized, v), weights=_weights)


MODELOPT = (
    Published(
        name="modelopt-prefill",
        source=_SOURCE.format("_v_qdq_nvfp4"),
        head=prefill,
        kind="block-scale",
        tensors="v",
        why="the diagonal group of 16 has a scale of keys to come; decode leaves it as it was",
    ),
    Published(
        name="modelopt-decode",
        source=_SOURCE.format("fake_quant_v_onwrite"),
        head=decode,
        kind=None,
        tensors="",
        why="only complete groups are quantized; rows i with (i+1) % 16 != 0 are not those of prefill",
    ),
)
