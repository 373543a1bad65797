"""What the linear layers see of a text in the float model: products of inputs, ranges, means, the inputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

#: The inputs of a block's linear layers: who reads them.
READERS = {
    "attn": ("attn_q", "attn_k", "attn_v"),
    "out": ("attn_output",),
    "ffn": ("ffn_gate", "ffn_up"),
    "down": ("ffn_down",),
}


@dataclass
class Seen:
    """The statistics of one input, over all tokens of the calibration.

    products: float32 (K, K), the sum of x x^T: each batch in float32, added in float64
    low, high: (K,) the ends of each channel
    size:     (K,) the sum of |x|; `tokens` of them
    inputs:   the batches themselves, (B, T, K)
    """

    products: Any = None
    low: Any = None
    high: Any = None
    size: Any = None
    tokens: int = 0
    inputs: list[Any] = field(default_factory=list)

    def take(self, x: Any) -> None:
        """Count a batch."""
        flat = x.reshape(-1, x.shape[-1]).float()
        low, high, size = flat.amin(0), flat.amax(0), flat.abs().double().sum(0)
        products = (flat.T @ flat).double()
        first = self.products is None
        self.products = products if first else self.products + products
        self.low = low if first else torch.minimum(self.low, low)
        self.high = high if first else torch.maximum(self.high, high)
        self.size = size if first else self.size + size
        self.tokens += len(flat)
        self.inputs.append(x)

    @property
    def mean(self) -> Any:
        """The mean of |x| of each channel, float32."""
        return (self.size / self.tokens).float()


@torch.no_grad()
def seen(model: Any, batches: list[Any]) -> list[dict[str, Seen]]:
    """Return for each block what its inputs are, by the names of READERS, over batches (B, T) of tokens."""
    found = [{name: Seen() for name in READERS} for _ in model.blk]
    hooks = []
    for block, here in zip(model.blk, found, strict=True):
        for name, readers in READERS.items():
            module = getattr(block, readers[0])
            hooks.append(module.register_forward_pre_hook(lambda _, args, s=here[name]: s.take(args[0])))
    for tokens in batches:
        model(tokens)
    for hook in hooks:
        hook.remove()
    return found
