"""NVIDIA Model-Optimizer: NVFP4QTensor.quantize and MXFP4QTensor.quantize of its installed wheel, on a CPU.

`import modelopt.torch.quantization` needs many packages, so its files are loaded under stand-in parents: the
tensor class, its base class, the maxima and the constants are the wheel's own. Stood in for: what those files
import and the quantization of a plain tensor never calls.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from .base import installed, needs_torch, Output, Peer, scale_bytes, to_torch
from .standins import load_file, stand_ins

FOLDER = "modelopt/torch/quantization"
NAME = "modelopt.torch.quantization"
MAXIMA = ("reduce_amax", "reduce_block_amax", "reduce_block_padding")
UNUSED = ("fsdp2_aware_weight_update", "patch_fsdp_mp_dtypes")


TENSORS = ("nvfp4_tensor", "mxfp4_tensor")


@cache
def _tensor_classes(folder: Path) -> dict[str, ModuleType]:
    """Return the files of both tensors, loaded under the same stand-ins."""
    helpers = {"get_unwrapped_name": None, "print_rank_0": None}
    parents: dict[str, dict[str, Any]] = {
        "modelopt": {},
        "modelopt.torch": {},
        "modelopt.torch.utils": helpers,
        "modelopt.torch.utils.network": {"temporarily_remove_accelerate_hook": None},
        NAME: {},
        f"{NAME}.config": {"QuantizerCfgEntry": None},
        f"{NAME}.backends": {},
        f"{NAME}.backends.utils": {"fp4_compatible": None},
        f"{NAME}.qtensor": {},
        f"{NAME}.utils": {},
    }
    with stand_ins("modelopt", parents) as modules:
        core = load_file(f"{NAME}.utils.core_utils", folder / "utils/core_utils.py")
        load_file(f"{NAME}.utils.numeric_utils", folder / "utils/numeric_utils.py")
        vars(modules[f"{NAME}.utils"]).update({k: getattr(core, k) for k in (*MAXIMA, *UNUSED)})
        load_file(f"{NAME}.qtensor.base_qtensor", folder / "qtensor/base_qtensor.py")
        return {t: load_file(f"{NAME}.qtensor.{t}", folder / f"qtensor/{t}.py") for t in TENSORS}


class ModelOpt(Peer):
    name, version = "nvidia-modelopt", "0.47.0"
    presets = {"modelopt-nvfp4": {"block_size": 16}, "modelopt-mxfp4": {"block_size": 32}}  # noqa: RUF012
    undefined = {"modelopt-mxfp4": lambda b: ~np.isfinite(b)}  # noqa: RUF012

    def load(self, tensor: str = "nvfp4_tensor") -> ModuleType:
        needs_torch()
        return _tensor_classes(Path(str(installed(self.name, self.version).locate_file(FOLDER))))[tensor]

    def run(self, preset: str, x: np.ndarray, amax: np.ndarray | None = None) -> Output:
        t = to_torch(x)
        if preset == "modelopt-mxfp4":
            q, scales = self.load("mxfp4_tensor").MXFP4QTensor.quantize(t, **self.presets[preset])
            return Output(q._quantized_data.numpy(), scales.numpy().reshape(len(x), -1), None)
        quantizer = self.load().NVFP4QTensor
        given = t if amax is None else to_torch(np.array(amax, dtype=np.float32))
        decode = quantizer.get_weights_scaling_factor_2(given)
        q, scales, _ = quantizer.quantize(t, weights_scaling_factor_2=decode, **self.presets[preset])
        return Output(q._quantized_data.numpy(), scale_bytes(scales), None)
