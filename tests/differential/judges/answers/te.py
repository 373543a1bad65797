"""TransformerEngine's NVFP4Quantizer, answered; NVFP4QuantizerRef is the peer's own file."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from .base import load, put, quantized, tensor

PACKAGE = "transformer_engine"
FAST = "NVTE_NVFP4_4OVER6_ERR_USE_FAST_MATH"
LARGEST = 320 * 304  #: values of a case


class _Storage:
    pass


class _Base:
    def __init__(self, *, rowwise: bool, columnwise: bool) -> None:
        self.rowwise_usage, self.columnwise_usage = rowwise, columnwise


def chosen(_: str, params: dict[str, Any]) -> bool:
    """Ask every test on shapes of up to LARGEST values."""
    return params["M"] * params["N"] <= LARGEST


def stand_in(folder: Path, presets: str) -> None:
    recipes = folder / PACKAGE / "pytorch/custom_recipes"
    dtype = SimpleNamespace(kFloat4E2M1="E2M1")
    quantizer = type("NVFP4Quantizer", (_Quantizer,), {"presets": presets})
    face = {
        "is_nvfp4_available": lambda **_: (True, ""),
        "DType": dtype,
        "NVFP4Quantizer": quantizer,
    }
    put(
        {
            "transformer_engine_torch": {"DType": dtype},
            PACKAGE: {},
            f"{PACKAGE}.common": {},
            f"{PACKAGE}.common.recipe": {"NVFP4BlockScaling": None},
            f"{PACKAGE}.pytorch": face,
            f"{PACKAGE}.pytorch.custom_recipes": {"__path__": [str(recipes)]},
            f"{PACKAGE}.pytorch.quantized_tensor": {"QuantizedTensorStorage": _Storage, "Quantizer": _Base},
            f"{PACKAGE}.pytorch.tensor": {},
            f"{PACKAGE}.pytorch.tensor.utils": {"is_custom": None},
        }
    )
    load(f"{PACKAGE}.pytorch.custom_recipes.reference_nvfp4", recipes / "reference_nvfp4.py")


class _Quantizer:
    """The kernel's face: what it is told becomes the name of a preset."""

    presets = ""

    def __init__(self, **told: Any) -> None:
        self.told = told

    def preset(self) -> str:
        told, fast = self.told, os.environ.get(FAST) == "1"
        kind = "nvfp4"
        if told.get("nvfp4_use_4over6"):
            metric, bound = told["nvfp4_4over6_err_mode"].lower(), told["nvfp4_e4m3_max"]
            kind = f"{metric}-{bound}{'-fast' if fast else ''}"
        tail = "-16x16" if told.get("with_2d_quantization") else "-row" if told["row_scaled_nvfp4"] else ""
        return self.presets.replace("*", kind + tail)

    def __call__(self, x: torch.Tensor) -> SimpleNamespace:
        out: dict[str, Any] = {}
        ways = {"rowwise": (self.told["rowwise"], x), "columnwise": (self.told["columnwise"], x.t())}
        for way, (wanted, values) in ways.items():
            q = quantized(values, self.preset()) if wanted else None
            out[f"_{way}_data"] = None if q is None else tensor(q.codes)
            out[f"_{way}_scale_inv"] = None if q is None else tensor(q.block_scales)
            out[f"_amax_{way}"] = None if q is None else tensor(q.tensor_amax.reshape(-1))
        return SimpleNamespace(**out)

    def make_empty(self, *_: Any, **__: Any) -> None:
        """Return nothing: the answer is made whole in update_quantized."""

    def update_quantized(self, x: torch.Tensor, _: None) -> SimpleNamespace:
        return self(x)
