"""A Llama of two layers with random weights, and random tokens: it needs torch alone."""

from __future__ import annotations

import numpy as np
import torch

from fos_ref.models.llama import Llama
from fos_ref.models.loading import Loaded
from fos_ref.models.shape import Shape
from fos_ref.models.windows import disjoint

SHAPE = Shape(layers=2, dim=64, hidden=96, heads=4, kv_heads=2, vocabulary=101, theta=10_000.0, epsilon=1e-5)


def tiny(seed: int = 0) -> Loaded:
    """Return the model; its tokenizer takes letters."""
    torch.manual_seed(seed)
    model = Llama(SHAPE).eval().requires_grad_(requires_grad=False)
    for layer in model.blk:
        for p in layer.parameters():
            if p.ndim == 2:
                p.mul_(3.0)
    return Loaded(
        model=model,
        encode=lambda text: [ord(c) % SHAPE.vocabulary for c in text],
        prefix=1,
        head=("output", "token_embd"),
        longest=512,
        about={"model": "tiny", "sha256": f"{seed}"},
    )


def windows(count: int = 4, length: int = 32, seed: int = 1):
    """Return disjoint windows of random tokens."""
    ids = np.random.default_rng(seed).integers(0, SHAPE.vocabulary, count * length)
    return disjoint(ids.tolist(), length)
