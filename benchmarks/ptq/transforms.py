"""SmoothQuant and AWQ as llm-compressor has them for a Llama, in float32: a factor for each channel.

A weight's columns are multiplied by the factors, and what comes before is divided by them: the norm, or for
ffn_down the rows of ffn_up. The model without quantization is the same but for rounding.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from benchmarks.ptq.seen import READERS, Seen
from benchmarks.ptq.walk import nearest
from fos_ref.models.llama import _angles, _turned

STRENGTH = 0.5  #: of SmoothQuant
GRID = 20
_LEAST, _SMALL = 1e-5, 1e-4
SMOOTHED = {"smoothquant": ("attn", "ffn"), "awq": ("attn", "ffn", "down")}


def weights(block: Any, name: str) -> list[Any]:
    """Return the weights that read one input."""
    return [getattr(block, reader).weight for reader in READERS[name]]


def smoothquant(block: Any, name: str, seen: Seen) -> Any:
    """Return max(range(x)^a / (2 max|w|)^(1 - a), 1e-5) for each channel."""
    ranges = seen.high - seen.low
    largest = 2.0 * torch.stack([w.abs().amax(0) for w in weights(block, name)]).amax(0)
    found = ranges.pow(STRENGTH) / largest.pow(1 - STRENGTH)
    return torch.where(largest > 0, found, ranges).clamp(min=_LEAST)


def awq(block: Any, name: str, seen: Seen) -> Any:
    """Return the factors of the ratio whose rounded weights change what the layers give least.

    The ratios are 0 without the weights' means, then i/18 with them. Weights are rounded by plain NVFP4 with
    one tensor scale for the layers together, whatever the recipe: so does llm-compressor.
    """
    own, x_mean, w_mean = weights(block, name), seen.mean, means(weights(block, name))
    wanted = [gives(block, name, own, x) for x in seen.inputs]
    best, least = None, float("inf")
    for at in range(GRID):
        ratio = max(at - 1, 0) / (GRID - 2)
        divisor = w_mean.pow(1 - ratio) + _SMALL if at else torch.ones_like(w_mean)
        by = (x_mean.pow(ratio) / divisor).clamp(min=_SMALL)
        by = by / (by.max() * by.min()).sqrt()
        by = torch.where(by.isfinite(), by, 1.0)
        tried = [(q / by).float() for q in plain([(w * by).float() for w in own])]
        pairs = zip(seen.inputs, wanted, strict=True)
        loss = sum(float((gives(block, name, tried, x) - y).square().sum()) for x, y in pairs)
        if loss < least:
            best, least = by, loss
    return best


def means(own: list[Any]) -> Any:
    """Return for each channel the mean over rows, float64, of |w| over the largest of its 16 values."""
    total, rows = 0, 0
    for w in own:
        parts = w.abs().reshape(len(w), -1, 16)
        share = (parts / (parts.amax(-1, keepdim=True) + 1e-6)).reshape(w.shape)
        total, rows = total + share.double().sum(0), rows + len(w)
    return total / rows


def plain(own: list[Any]) -> list[Any]:
    """Return the values of weights rounded by compressed-tensors' NVFP4 under the largest amax of them."""
    amax = torch.stack([w.abs().max() for w in own]).max()
    encode = 448.0 * 6.0 / amax
    found = []
    for w in own:
        parts = w.reshape(len(w), -1, 16)
        scale = (encode * (parts.abs().amax(-1) / 6.0)).clamp(max=448.0).to(torch.float8_e4m3fn).float()
        step = (torch.where(scale == 0, 0.125, scale) / encode)[..., None]
        found.append(
            (nearest(parts / step, torch.zeros_like(parts, dtype=torch.bool)) * step).reshape(w.shape)
        )
    return found


def gives(block: Any, name: str, own: list[Any], x: Any) -> Any:
    """Return what the module gives that llm-compressor watches: attention, MLP, or the layer itself."""
    if name == "down":
        return functional.linear(x, own[0])
    if name == "ffn":
        gate, up = (functional.linear(x, w) for w in own)
        return block.ffn_down(functional.silu(gate) * up)
    turn = _angles(x.shape[1], block.shape, x.device)
    q, k, v = (block._heads(functional.linear(x, w)) for w in own)  # noqa: SLF001 -- our own forward
    q, k, groups = _turned(q, turn), _turned(k, turn), block.shape.heads // block.shape.kv_heads
    k, v = (a.repeat_interleave(groups, dim=1) for a in (k, v))
    out = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    return block.attn_output(out.transpose(1, 2).flatten(2))


@torch.no_grad()
def factors(model: Any, method: str, seen: list[dict[str, Seen]]) -> list[dict[str, Any]]:
    """Return the factors of each block's inputs."""
    found = {"smoothquant": smoothquant, "awq": awq}[method]
    return [
        {name: found(block, name, here[name]) for name in SMOOTHED[method]}
        for block, here in zip(model.blk, seen, strict=True)
    ]


@torch.no_grad()
def apply(model: Any, every: list[dict[str, Any]]) -> None:
    """Move the factors into the weights and what comes before them."""
    for block, here in zip(model.blk, every, strict=True):
        for name, by in here.items():
            for w in weights(block, name):
                w.mul_(by)
            if name == "down":
                block.ffn_up.weight.div_(by[:, None])
            else:
                {"attn": block.attn_norm, "ffn": block.ffn_norm}[name].weight.div_(by)
