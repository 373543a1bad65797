"""TransformerEngine's FP8 attention, and the input of its issue 3248 that shows both of its leaks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fos_ref.attention.causal import attention
from fos_ref.attention.operand import along_head, along_tokens
from fos_ref.attention.published.row import Published
from fos_ref.formats.arrays import F32
from fos_ref.formats.catalog import E4M3
from fos_ref.formats.codec import decode, encode
from fos_ref.recipes.axes import BlockScale, ScaleFormat
from fos_ref.recipes.catalog import PRESETS

#: E8M0_round_up(amax/448), elements E4M3 to nearest even.
MXFP8 = replace(
    PRESETS["ocp-mxfp8-e4m3"],
    name="te-mxfp8",
    scale_format=ScaleFormat.E8M0_UP_SATFINITE,
    block_scale=BlockScale.LOGARITHM,
)
_SOURCE = "NVIDIA/TransformerEngine issue 3248 (open, 2026-07-24): {}"
_E4M3_MAX = np.float32(448)


def mxfp8(q: F32, k: F32, v: F32) -> F32:
    """Return the head whose q and k are MXFP8 along the head dimension and v along 32 tokens.

    Shapes:   (T, d) each -> (T, d); whole blocks are made with zeros
    Rounding: D = 2^ceil(log2(amax/448)), E4M3 to nearest even; float32
    Specials, errors: of `quantize`
    """
    return attention(along_head(q, MXFP8), along_head(k, MXFP8), along_tokens(v, MXFP8))


def current_scaling(q: F32, k: F32, v: F32) -> F32:
    """Return the head whose q, k and v are E4M3 under one scale, made of the amax of all three.

    Shapes:   (T, d) each -> (T, d)
    Rounding: S = RN(448/amax); E4M3 of RN(x*S), to nearest even; RN(code * RN(1/S)); float32
    Specials: an amax of 0 gives S = 1
    """
    amax = np.max([np.max(np.abs(x)) for x in (q, k, v)]).astype(np.float32)
    scale = np.float32(1) if amax == 0 else _E4M3_MAX / amax
    back = np.float32(1) / scale

    def rounded(x: F32) -> F32:
        return np.multiply(decode(encode(x * scale, E4M3), E4M3), back, dtype=np.float32)

    return attention(rounded(q), rounded(k), rounded(v))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Issue3248:
    """The issue's tensors (128, 128), batch and heads left out. Rows 0..`last` must be equal in each pair."""

    q: F32
    k: F32
    v: F32  #: 2^-20 in token 0, channel 0
    v_same_block: F32  #: and 1 in token 16: rows 0..7 change in MXFP8
    v_next_block: F32  #: and 1 in token 32: they do not
    v_current: F32  #: 2^-10 in token 0
    v_current_future: F32  #: and 1024 in token 64: rows 0..7 change under tensorwise current scaling
    last: int


def issue_3248() -> Issue3248:
    """Return the tensors of TransformerEngine's issue 3248, as float32; all are bfloat16 values."""
    ones = np.ones((128, 128), dtype=np.float32)

    def value(**tokens: float) -> F32:
        v = np.zeros((128, 128), dtype=np.float32)
        for token, x in tokens.items():
            v[int(token[1:]), 0] = x
        return v

    return Issue3248(
        q=ones,
        k=ones.copy(),
        v=value(t0=2.0**-20),
        v_same_block=value(t0=2.0**-20, t16=1.0),
        v_next_block=value(t0=2.0**-20, t32=1.0),
        v_current=value(t0=2.0**-10),
        v_current_future=value(t0=2.0**-10, t64=1024.0),
        last=7,
    )


TE = (
    Published(
        name="te-mxfp8",
        source=_SOURCE.format("MXFP8BlockScaling(fp8_dpa=True)"),
        head=mxfp8,
        kind="block-scale",
        tensors="v",
        why="an E8M0 scale of V is made of 32 tokens",
    ),
    Published(
        name="te-current-scaling",
        source=_SOURCE.format("Float8CurrentScaling(fp8_dpa=True)"),
        head=current_scaling,
        kind="tensor-amax",
        tensors="qkv",
        why="one amax over all tokens of q, k and v",
    ),
)
