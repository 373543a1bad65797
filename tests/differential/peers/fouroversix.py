"""fouroversix: the 4/6 authors' package, its PyTorch reference on a CPU, through its public call.

The public call returns block scales in the 128x4 layout of whole tiles, so it also exercises `unswizzle`.
It takes no tensor amax; the reference function behind it does, and is called directly for that.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import fos_ref
from fos_ref.recipes.axes import ZeroScale

from .base import installed, needs_torch, Output, Peer, Release, scale_bytes, to_torch

RULES = {"mse": "mse", "mae": "mae", "absmax": "abs_max", "static6": "static_6", "static4": "static_4"}
#: Its other formats: the end of our name -> its format and rule.
FORMATS = {
    "if4-mse": ("if4", "mse"),
    "if4-mae": ("if4", "mae"),
    "if4-absmax": ("if4", "abs_max"),
    "nvint4": ("nvint4", "static_6"),
    "mxfp4-static6": ("mxfp4", "static_6"),
    "mxfp4-static4": ("mxfp4", "static_4"),
}
LINEAR = ("nvint4", "if4")  #: formats whose block scales come out row by row


def _presets() -> dict[str, dict[str, Any]]:
    nvfp4 = {
        f"fouroversix-{ours}{tail}": {"scale_rule": theirs, "block_scale_2d": bool(tail), "dtype": "nvfp4"}
        for tail in ("", "-16x16")
        for ours, theirs in RULES.items()
    }
    others = {
        f"fouroversix-{ours}{tail}": {"scale_rule": rule, "block_scale_2d": bool(tail), "dtype": fmt}
        for ours, (fmt, rule) in FORMATS.items()
        for tail in (("", "-16x16") if fmt == "if4" else ("",))
    }
    return nvfp4 | others


class FourOverSix(Peer):
    name, version = "fouroversix", "1.0.5"
    presets = _presets()
    #: A NaN scale with the sign bit reads as INT4, whose NaN is 0; without it as E2M1.
    nan_codes = {n: (0x0, 0xB) for n in presets if n.startswith("fouroversix-if4")}  # noqa: RUF012
    releases = {  # noqa: RUF012
        f"fouroversix-{name}": Release(
            why="1.0.5 divides by a block scale of 0 (0/0: code B); commit dadfad6 gives codes of 0",
            blocks=lambda out: out.block_scales == 0,
            axes={"zero_scale": ZeroScale.NO_SPECIAL_CASE},
        )
        for name in ("mxfp4-static6", "mxfp4-static4")
    }

    def load(self) -> None:
        needs_torch()
        installed(self.name, self.version)

    def run(self, preset: str, x: np.ndarray, amax: np.ndarray | None = None) -> Output:
        self.load()
        rows, cols = x.shape
        arguments, width = self.presets[preset], fos_ref.recipe(preset).block_cols
        if amax is not None:
            values, linear = self._reference(x, amax, arguments)
            scales = scale_bytes(linear).reshape(rows, cols // width)
        else:
            values, padded = self._public(x, arguments)
            scales = self._cropped(scale_bytes(padded), x.shape, width, arguments["dtype"])
        return Output(np.ascontiguousarray(values.numpy()[:rows, : cols // 2]), scales, None)

    @staticmethod
    def _cropped(scales: np.ndarray, shape: tuple[int, int], width: int, dtype: str) -> np.ndarray:
        """Return the scales of the tensor itself: swizzled, or row by row of four blocks' multiples."""
        rows, blocks = shape[0], shape[1] // width
        if dtype not in LINEAR:
            return fos_ref.unswizzle(scales, rows, blocks)
        return scales.reshape(-1, -(-blocks // 4) * 4)[:rows, :blocks]

    @staticmethod
    def _public(x: np.ndarray, arguments: Any) -> Any:
        from fouroversix import QuantizationConfig, quantize_to_fp4  # noqa: PLC0415

        q = quantize_to_fp4(to_torch(x), QuantizationConfig(backend="pytorch", **arguments))
        return q.values, q.scale_factors

    @staticmethod
    def _reference(x: np.ndarray, amax: np.ndarray, arguments: Any) -> Any:
        from fouroversix.quantize.pytorch import reference  # noqa: PLC0415
        from fouroversix.utils import DataType, ScaleRule  # noqa: PLC0415

        rule, fmt = ScaleRule(arguments["scale_rule"]), DataType(arguments["dtype"])
        given = to_torch(np.array(amax, dtype=np.float32))
        layout = {"use_blackwell_scale_layout": False, "block_scale_2d": arguments["block_scale_2d"]}
        out = reference.quantize_to_fp4(to_torch(x), given, fp4_format=fmt, scale_rule=rule, **layout)
        return out[:2]
