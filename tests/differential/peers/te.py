"""TransformerEngine's Python reference quantizer, NVFP4QuantizerRef, from the installed wheel.

`import transformer_engine` needs the compiled library, so the one file is loaded under stand-in parents. Two
base classes are stood in for: a storage with no members, and a quantizer that keeps the two usage flags.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from .base import installed, needs_torch, Output, Peer, scale_bytes, to_torch
from .standins import load_file, stand_ins

PACKAGE = "transformer_engine"
FOLDER = f"{PACKAGE}/pytorch/custom_recipes"


class _Storage:
    pass


class _Quantizer:
    def __init__(self, *, rowwise: bool, columnwise: bool) -> None:
        self.rowwise_usage, self.columnwise_usage = rowwise, columnwise


@cache
def _reference(folder: Path) -> ModuleType:
    parents = {
        PACKAGE: {},
        f"{PACKAGE}.pytorch": {},
        f"{PACKAGE}.pytorch.custom_recipes": {"__path__": [str(folder)]},  # its gemm and utilities are real
        f"{PACKAGE}.pytorch.quantized_tensor": {"QuantizedTensorStorage": _Storage, "Quantizer": _Quantizer},
        f"{PACKAGE}.pytorch.tensor": {},
        f"{PACKAGE}.pytorch.tensor.utils": {"is_custom": None},
    }
    with stand_ins(PACKAGE, parents):
        return load_file(f"{PACKAGE}.pytorch.custom_recipes.reference_nvfp4", folder / "reference_nvfp4.py")


LAYOUTS = {"": {}, "-16x16": {"quant_tile_shape": (16, 16)}, "-row": {"row_scaled_nvfp4": True}}


def _presets() -> dict[str, dict[str, Any]]:
    plain = {f"te-nvfp4{tail}": args for tail, args in LAYOUTS.items()}
    choices = product(("mae", "mse"), (256, 448), ("", "-fast"), LAYOUTS.items())
    adaptive = {
        f"te-{metric}-{bound}{fast}{tail}": {
            "nvfp4_use_4over6": True,
            "nvfp4_4over6_err_mode": metric.upper(),
            "nvfp4_e4m3_max": bound,
            "nvfp4_4over6_err_use_fast_math": bool(fast),
            **args,
        }
        for metric, bound, fast, (tail, args) in choices
    }
    return plain | adaptive


class TransformerEngine(Peer):
    name, version = "transformer-engine", "2.20.2"
    presets = _presets()

    def load(self) -> ModuleType:
        needs_torch()
        return _reference(Path(str(installed(self.name, self.version).locate_file(FOLDER))))

    def run(self, preset: str, x: np.ndarray, amax: np.ndarray | None = None) -> Output:
        module = self.load()
        q = module.NVFP4QuantizerRef(
            dtype=module.reference_utils.Fp4Formats.E2M1,
            rowwise=True,
            columnwise=False,
            **self.presets[preset],
        )
        if amax is None:
            codes, scales, *_ = q._quantize(to_torch(x))
        else:
            codes, scales = self._with_amax(q, x, amax)
        return Output(codes.numpy(), scale_bytes(scales), None)

    @staticmethod
    def _with_amax(q: Any, x: np.ndarray, amax: np.ndarray) -> Any:
        """The step that `_quantize` calls with its own amax, called with the caller's."""
        rows, cols = q.quant_tile_shape
        passed = ("row_scaled_nvfp4", "nvfp4_use_4over6", "nvfp4_e4m3_max", "nvfp4_4over6_err_mode")
        return q._quantize_blockwise_reference(
            to_torch(x),
            to_torch(np.asarray(amax, dtype=np.float32).reshape(-1)),
            cols,
            rows,
            pow_2_scales=False,
            nvfp4_4over6_err_use_fast_math=q.nvfp4_4over6_err_use_fast_math,
            eps=q.eps,
            **{k: getattr(q, k) for k in passed},
        )
