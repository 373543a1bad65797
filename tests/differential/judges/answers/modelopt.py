"""Model-Optimizer's block scales, answered: its NVFP4QTensor and its cast are stood in for whole.

A block without an amax gets a scale of 1 before the tensor scale, as its calibrator does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from .base import put, quantized, tensor

BLOCK = 16
MODULE = "modelopt.torch.quantization.qtensor.nvfp4_tensor"


def chosen(_: str, __: dict[str, Any]) -> bool:
    return True


def stand_in(_: Path, presets: str) -> None:
    preset = presets.replace("*", "nvfp4")

    def scales(x: torch.Tensor, **given: Any) -> torch.Tensor:
        return tensor(quantized(x, preset, **given).block_scales).view(torch.float8_e4m3fn)

    def scales_of_amax(b: torch.Tensor, decode: float) -> torch.Tensor:
        return scales(b.reshape(-1, 1).repeat(1, BLOCK), tensor_scale=decode).reshape(b.shape)

    def cast(wanted: torch.Tensor) -> torch.Tensor:
        return scales_of_amax(wanted * 6, 1.0)

    class NVFP4QTensor:
        @staticmethod
        def get_weights_scaling_factor(
            weight: torch.Tensor, size: int, decode: torch.Tensor | None = None
        ) -> tuple[torch.Tensor, None]:
            assert size == BLOCK
            return scales(weight, tensor_scale=None if decode is None else decode.item()), None

        @staticmethod
        def get_weights_scaling_factor_from_quantizer(q: Any, _: torch.Tensor) -> tuple[torch.Tensor, None]:
            decode = np.float32(q.global_amax.item()) / np.float32(6 * 448)
            return scales_of_amax(torch.where(q._amax == 0, 6.0, q._amax), float(decode)), None

    names = MODULE.split(".")
    put({".".join(names[:n]): {} for n in range(1, len(names))})
    put({MODULE: {"NVFP4QTensor": NVFP4QTensor, "_cast_per_block_scale_to_fp8": cast}})
