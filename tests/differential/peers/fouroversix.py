"""fouroversix: the 4/6 authors' package, its PyTorch reference on a CPU, through its public call.

The public call returns block scales in the 128x4 layout of whole tiles, so it also exercises `unswizzle`.
It takes no tensor amax; the reference function behind it does, and is called directly for that.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import fos_ref

from .base import installed, needs_torch, Output, scale_bytes, to_torch

RULES = {"mse": "mse", "mae": "mae", "absmax": "abs_max", "static6": "static_6", "static4": "static_4"}


class FourOverSix:
    name, version, exact = "fouroversix", "1.0.5", True
    presets = {  # noqa: RUF012
        f"fouroversix-{ours}{tail}": {"scale_rule": theirs, "block_scale_2d": bool(tail)}
        for tail in ("", "-16x16")
        for ours, theirs in RULES.items()
    }

    def load(self) -> None:
        needs_torch()
        installed(self.name, self.version)

    def run(self, preset: str, x: np.ndarray, amax: np.ndarray | None = None) -> Output:
        self.load()
        rows, cols = x.shape
        if amax is None:
            values, swizzled = self._public(x, self.presets[preset])
            scales = fos_ref.unswizzle(scale_bytes(swizzled), rows, cols // 16)
        else:
            values, linear = self._reference(x, amax, self.presets[preset])
            scales = scale_bytes(linear).reshape(rows, cols // 16)
        return Output(np.ascontiguousarray(values.numpy()[:rows, : cols // 2]), scales, None)

    @staticmethod
    def _public(x: np.ndarray, arguments: Any) -> Any:
        from fouroversix import QuantizationConfig, quantize_to_fp4  # noqa: PLC0415

        q = quantize_to_fp4(to_torch(x), QuantizationConfig(backend="pytorch", **arguments))
        return q.values, q.scale_factors

    @staticmethod
    def _reference(x: np.ndarray, amax: np.ndarray, arguments: Any) -> Any:
        from fouroversix.quantize.pytorch import reference  # noqa: PLC0415
        from fouroversix.utils import ScaleRule  # noqa: PLC0415

        rule = ScaleRule(arguments["scale_rule"])
        given = to_torch(np.array(amax, dtype=np.float32))
        layout = {"use_blackwell_scale_layout": False, "block_scale_2d": arguments["block_scale_2d"]}
        values, scales, _ = reference.quantize_to_fp4(to_torch(x), given, scale_rule=rule, **layout)
        return values, scales
