"""The state-space mixer: mambapy's Mamba block, its two large projections as layers of ours."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import torch

from fos_ref.errors import ToolchainError
from fos_ref.pretrain.config import Config
from fos_ref.pretrain.network.linear import Linear

PACKAGE = "mambapy==1.2.0"


class Mixer(torch.nn.Module):
    """A Mamba block of mambapy: in pure torch, its scan in float32.

    `in_proj` and `out_proj` are quantized; the convolution, the scan and the two projections of its step
    sizes and matrices, whose sizes are no multiples of 128, are not.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        try:
            mamba = import_module("mambapy.mamba")
        except ImportError as e:
            msg = f"the hybrid model: pip install {PACKAGE} ({e})"
            raise ToolchainError(msg) from e
        sizes = mamba.MambaConfig(
            d_model=config.width, n_layers=1, d_state=config.state, expand_factor=1, pscan=True
        )
        self.block = mamba.MambaBlock(sizes)
        self.block.in_proj = Linear(config.width, 2 * sizes.d_inner, wide=True)
        self.block.out_proj = Linear(sizes.d_inner, config.width)

    def forward(self, x: Any) -> Any:
        """Return (B, L, D) of (B, L, D)."""
        return self.block(x)
