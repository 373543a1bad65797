"""A small transformer, and a hybrid of sliding-window attention and a state-space mixer."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from fos_ref.pretrain.config import Config
from fos_ref.pretrain.network.linear import Linear, Products
from fos_ref.pretrain.network.mixer import Mixer

_STANDARD = 0.02


class Attention(torch.nn.Module):
    """Causal attention, of the last `window` tokens where one is given; its sums in float32."""

    def __init__(self, config: Config, window: int | None) -> None:
        super().__init__()
        self.heads = config.heads
        self.qkv = Linear(config.width, 3 * config.width)
        self.out = Linear(config.width, config.width)
        distance = torch.arange(config.sequence)[:, None] - torch.arange(config.sequence)[None, :]
        seen = (distance >= 0) & (distance < (window or config.sequence))
        self.register_buffer("mask", torch.where(seen, 0.0, -torch.inf), persistent=False)

    def forward(self, x: Any) -> Any:
        """Return (B, L, D) of (B, L, D)."""
        b, n, d = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        scores = (q @ k.transpose(-1, -2)).float() * (d // self.heads) ** -0.5 + self.mask
        y = torch.softmax(scores, dim=-1).to(v.dtype) @ v
        return self.out(y.transpose(1, 2).reshape(b, n, d))


class Block(torch.nn.Module):
    """A mixer of tokens, then a mixer of channels, each beside the residual stream."""

    def __init__(self, config: Config, mixer: torch.nn.Module) -> None:
        super().__init__()
        self.first = torch.nn.Parameter(torch.ones(config.width))
        self.second = torch.nn.Parameter(torch.ones(config.width))
        self.mixer = mixer
        self.up = Linear(config.width, config.hidden)
        self.down = Linear(config.hidden, config.width)

    def forward(self, x: Any) -> Any:
        """Return the stream, float32."""
        x = x + self.mixer(norm(x, self.first)).float()
        hidden = functional.gelu(self.up(norm(x, self.second)).float())
        return x + self.down(hidden).float()


class Model(torch.nn.Module):
    """Tokens to logits. Embedding, positions, norms, attention's sums and the head are never quantized."""

    def __init__(self, kind: str, config: Config, symbols: int, products: Products) -> None:
        super().__init__()
        width = config.width
        self.embedding = torch.nn.Parameter(torch.randn(symbols, width) * _STANDARD)
        self.positions = torch.nn.Parameter(torch.randn(config.sequence, width) * _STANDARD)
        self.blocks = torch.nn.ModuleList(
            Block(config, _mixer(kind, config, i)) for i in range(config.layers)
        )
        self.last = torch.nn.Parameter(torch.ones(width))
        self.head = torch.nn.Parameter(torch.randn(symbols, width) * _STANDARD)
        self.linears = [(n, m) for n, m in self.named_modules() if isinstance(m, Linear)]
        for i, (name, layer) in enumerate(self.linears):
            layer.number, layer.name, layer.products = i, name, products

    def forward(self, tokens: Any) -> Any:
        """Return logits (B, L, V) in float32 of tokens (B, L)."""
        x = functional.embedding(tokens, self.embedding) + self.positions
        for block in self.blocks:
            x = block(x)
        x = norm(x, self.last).to(torch.bfloat16)
        return functional.linear(x, self.head.to(torch.bfloat16)).float()


def norm(x: Any, weight: Any) -> Any:
    """Return x over the root of its mean square, times a weight; float32."""
    return functional.rms_norm(x, x.shape[-1:], weight, eps=1e-6)


def loss_of(logits: Any, targets: Any, unscored: int) -> Any:
    """Return the sum of losses, in nats, of all but the first `unscored` predictions of each sequence."""
    scored = logits[:, unscored:].reshape(-1, logits.shape[-1])
    return functional.cross_entropy(scored, targets[:, unscored:].reshape(-1), reduction="sum")


def _mixer(kind: str, config: Config, block: int) -> torch.nn.Module:
    """Return the mixer of tokens of a block: a hybrid's even blocks have a state space."""
    if kind == "transformer":
        return Attention(config, None)
    return Attention(config, config.window) if block % 2 else Mixer(config)
