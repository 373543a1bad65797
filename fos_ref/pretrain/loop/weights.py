"""The weights of a model as one float32 vector, and AdamW on it."""

from __future__ import annotations

from typing import Any

import torch

_BETAS = (0.9, 0.95)
_EPS = 1e-8
_DECAY = 0.1
_CLIP = 1.0
FACTORS = 3  #: of a step: the learning rate and both bias corrections


class Weights:
    """Every parameter is a view of `values`, every gradient one of `gradients`."""

    def __init__(self, model: torch.nn.Module) -> None:
        own = [p for p in model.parameters() if p.requires_grad]
        total = sum(p.numel() for p in own)
        device = own[0].device
        self.values = torch.empty(total, device=device)
        self.gradients, self.first, self.second = (torch.zeros(total, device=device) for _ in range(3))
        self.decays = torch.zeros(total, device=device)
        at = 0
        for p in own:
            part = slice(at, at + p.numel())
            self.values[part] = p.detach().reshape(-1)
            p.data = self.values[part].view(p.shape)
            p.grad = self.gradients[part].view(p.shape)
            self.decays[part] = _DECAY if p.dim() > 1 else 0.0
            at += p.numel()

    def update(self, factors: Any) -> None:
        """Take one step of AdamW, gradients clipped to a norm of 1; `factors`: those of `factors_of`."""
        g = self.gradients
        g.mul_(torch.clamp(_CLIP / (torch.linalg.vector_norm(g) + _EPS), max=1.0))
        self.first.mul_(_BETAS[0]).add_(g, alpha=1 - _BETAS[0])
        self.second.mul_(_BETAS[1]).addcmul_(g, g, value=1 - _BETAS[1])
        scaled = self.first * factors[1] / ((self.second * factors[2]).sqrt_().add_(_EPS))
        self.values.sub_((scaled + self.decays * self.values) * factors[0])


def factors_of(step: int, steps: int, warmup: int, rate: float) -> list[float]:
    """Return a step's learning rate, linear up, then a cosine down to a tenth; and AdamW's corrections."""
    if step < warmup:
        now = rate * (step + 1) / warmup
    else:
        done = (step - warmup) / max(1, steps - warmup)
        now = rate * (0.55 + 0.45 * float(torch.cos(torch.tensor(done * torch.pi, dtype=torch.float64))))
    return [now, *(1 / (1 - beta ** (step + 1)) for beta in _BETAS)]
