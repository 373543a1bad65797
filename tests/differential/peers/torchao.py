"""torchao: `nvfp4_quantize` and `to_mx` of its wheel; its own helper makes the tensor scale of an amax.

It has no case for a NaN: the element's bits are rounded as if they were a number, which gives 3, 4, B or C.
4/6 of torchao (commit a426998d) is in no release, so the presets torchao-{mae,mse}-* are read, not run.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .base import installed, needs_torch, Output, Peer, scale_bytes, to_torch

MODES = ("floor", "ceil", "even", "rceil")


class TorchAO(Peer):
    name, version = "torchao", "0.18.0"
    dtypes = ("float32", "bfloat16")  # float16 is refused by the program
    presets = {  # noqa: RUF012
        "torchao-nvfp4": {"block_size": 16},
        **{f"torchao-mxfp4-{mode}": {"block_size": 32, "mode": mode} for mode in MODES},
    }
    nan_codes = dict.fromkeys(presets, (0xB, 0x3, 0x4, 0xC))

    def load(self) -> Any:
        needs_torch()
        installed(self.name, self.version)
        from torchao.prototype.mx_formats import nvfp4_tensor  # noqa: PLC0415

        return nvfp4_tensor

    def run(self, preset: str, x: np.ndarray, amax: np.ndarray | None = None) -> Output:
        if "mode" in self.presets[preset]:
            return self._mxfp4(preset, x)
        module, t = self.load(), to_torch(x)
        a = t.abs().max() if amax is None else to_torch(np.array(amax, dtype=np.float32))
        tensor_scale = module.per_tensor_amax_to_scale(a)
        scales, codes = module.nvfp4_quantize(t, per_tensor_scale=tensor_scale, **self.presets[preset])
        return Output(codes.numpy(), scale_bytes(scales), None)

    def _mxfp4(self, preset: str, x: np.ndarray) -> Output:
        """Return MXFP4, which has no tensor scale."""
        self.load()
        import torch  # noqa: PLC0415
        from torchao.prototype.mx_formats import config, mx_tensor  # noqa: PLC0415

        block, mode = self.presets[preset].values()
        chosen = config.ScaleCalculationMode[mode.upper()]
        scales, codes = mx_tensor.to_mx(to_torch(x), torch.float4_e2m1fn_x2, block, chosen)
        return Output(codes.view(torch.uint8).numpy(), scale_bytes(scales), None)
