"""torchao's 2-D weight kernels, Triton's and CuTe-DSL's, answered; torchao itself is the checkout's."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch

import fos_ref

from .base import put, quantized, tensor

TRAINING = "torchao.prototype.moe_training.nvfp4_training"
UNASKED = ("test_triton_weight_quantize_2d_cuda_graph_compile",)  #: it captures a CUDA graph


def chosen(name: str, _: dict[str, Any]) -> bool:
    return name not in UNASKED


def stand_in(folder: Path, presets: str) -> None:
    sys.path.insert(0, str(folder))
    preset = presets.replace("*", "nvfp4-16x16")
    put({"test": {"__path__": [str(folder / "test")]}})
    import torch.utils._triton as triton  # noqa: PLC0415
    from torchao import utils  # noqa: PLC0415

    assert str(folder) in str(utils.__file__)
    triton.has_triton = lambda: False  # while torchao's own modules are imported: they hold Triton kernels
    from torchao.prototype.moe_training.nvfp4_training import hadamard_cutedsl_utils, hadamard_utils  # noqa: PLC0415, F401

    triton.has_triton = utils.is_sm_at_least_100 = hadamard_cutedsl_utils.cutedsl_nvfp4_kernels_available = (
        lambda: True
    )

    def answer(w: torch.Tensor, amax: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (*_laid_out(w, amax, preset), *_laid_out(w.t(), amax, preset))

    def cutedsl(w: torch.Tensor, amax: torch.Tensor) -> tuple[torch.Tensor, ...]:
        if len(w) % 256:
            msg = f"out_features has to be divisible by 256, and is {len(w)}"
            raise ValueError(msg)
        return answer(w, amax)

    put(
        {
            f"{TRAINING}.quantize_2d_triton": {"triton_weight_quantize_2d": answer},
            f"{TRAINING}.quantize_2d_cutedsl": {"cutedsl_weight_quantize_2d": cutedsl},
        }
    )


def _laid_out(w: torch.Tensor, amax: torch.Tensor, preset: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return codes, and scales as tiles of 128x4."""
    q = quantized(w, preset, amax=amax.item())
    rows, cols = w.shape
    scales = tensor(fos_ref.swizzle(q.block_scales)).view(torch.float8_e4m3fn)
    return tensor(q.codes), scales.reshape(rows // 128, cols // 64, 32, 16)
