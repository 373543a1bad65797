"""FlashInfer's quantizing, layout and dequantizing calls, answered; its test helpers are the peer's own file.

Strict or default scaling, 4/6 and its metric come by environment variables, as to the kernels.
"""

from __future__ import annotations

import ast
import os
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import torch

import fos_ref
from fos_ref.storage.layout import swizzled_shape

from .base import load, put, quantized, tensor

PACKAGE = "flashinfer"
LARGEST = 256 * 128  #: values of a case
ASKED = (
    "test_fp4_quantization",
    "test_scale_swizzling",
    "test_block_scale_interleave",
    "test_e2m1_dequantization",
    "test_mxfp4_quantize_roundtrip",
    "test_mxfp4_quantize_layout",
    "test_nvfp4_quantize_te_reference",
    "test_nvfp4_quantize_roundtrip",
)
MX = "fouroversix-mxfp4-static6"  #: 2^e rounds up, as FlashInfer's MXFP4 does


class Layout(IntEnum):
    layout_128x4 = 0
    layout_8x4 = 1
    layout_linear = 2


def chosen(name: str, params: dict[str, Any]) -> bool:
    """Ask the tests of ASKED; an MX scale under a tensor scale is no preset, and is left out."""
    if name not in ASKED or params.get("backend") == "cute-dsl":
        return False
    if name == "test_e2m1_dequantization" and params["sf_use_ue8m0"]:
        return False
    m, n = params.get("shape", (1, 1))
    return not name.startswith("test_nvfp4_quantize") or m * n <= LARGEST


def stand_in(folder: Path, presets: str) -> None:
    source = folder / PACKAGE / "quantization"
    supported = dict.fromkeys(
        ("is_sm100a_supported", "is_sm110a_supported", "is_sm12x_supported"), lambda _: True
    )
    call = Calls(presets)
    face = {
        "SfLayout": Layout,
        "block_scale_interleave": lambda scales: tensor(fos_ref.swizzle(scales)),
        "e2m1_and_ufp8sf_scale_to_float": call.to_float,
        "fp4_quantize": call.fp4_quantize,
        "mxfp4_quantize": call.mxfp4_quantize,
        "mxfp4_dequantize": call.mxfp4_dequantize,
        "nvfp4_quantize": call.nvfp4_quantize,
    }
    unasked = (
        "nvfp4_batched_quantize",
        "scaled_fp4_grouped_quantize",
        "silu_and_mul_nvfp4_quantize",
        "silu_and_mul_scaled_nvfp4_experts_quantize",
        "silu_and_mul",
    )
    names = _constant(source / "fp4_quantization.py", "NVFP4_QUANT_ENV_VARS")
    put(
        {
            "tests": {"__path__": [str(folder / "tests")]},
            PACKAGE: {**face, **dict.fromkeys(unasked)},
            f"{PACKAGE}.utils": supported,
            f"{PACKAGE}.quantization": {},
            f"{PACKAGE}.quantization.fp4_quantization": {"NVFP4_QUANT_ENV_VARS": names},
        }
    )
    load(f"{PACKAGE}.quantization.nvfp4_quantization_utils", source / "nvfp4_quantization_utils.py")


def _constant(file: Path, name: str) -> Any:
    """Return a constant of a file that cannot be imported here."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return ast.literal_eval(node.value)
    msg = f"{file}: {name} is not there"
    raise AssertionError(msg)


def _on(name: str) -> bool:
    return os.environ.get(f"FLASHINFER_{name}") == "1"


class Calls:
    """The kernels' calls: a preset by the environment, S as the caller gives it."""

    def __init__(self, presets: str) -> None:
        self.presets = presets

    def preset(self, *, row: bool) -> str:
        strict, kind = _on("DISABLE_FP4_QUANT_FAST_MATH"), "nvfp4"
        if _on("NVFP4_4OVER6"):
            metric = os.environ["FLASHINFER_NVFP4_4OVER6_ERR_MODE"].lower()
            bound = 256 if _on("NVFP4_4OVER6_E4M3_USE_256") else 448
            kind = f"{metric}-{bound}{'-fast' if _on('NVFP4_4OVER6_ERR_USE_FAST_MATH') else ''}"
        return self.presets.replace("*", f"{'' if strict else 'default-'}{kind}{'-row' if row else ''}")

    def nvfp4_quantize(
        self,
        x: torch.Tensor,
        scale: torch.Tensor,
        sfLayout: int = 0,  # noqa: N803 -- the peer's name
        *,
        per_token_activation: bool = False,
        **_: Any,
    ) -> tuple[torch.Tensor, ...]:
        preset = self.preset(row=per_token_activation)
        if not per_token_activation:
            q = quantized(x, preset, encode_scale=np.float32(scale.item()))
            return tensor(q.codes), _laid_out(q.block_scales, sfLayout)
        q = quantized(x, preset)
        decode = fos_ref.trace(x, preset).decode_scale
        rows = np.where(q.tensor_amax == 0, np.float32(0), np.broadcast_to(decode, (len(x),)))
        return tensor(q.codes), _laid_out(q.block_scales, sfLayout), tensor(rows)

    def fp4_quantize(
        self, x: torch.Tensor, scale: Any, size: int = 16, mx: bool = False, swizzled: bool = True, **_: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if mx:
            assert size == 32
            assert scale.item() == 1
            return self.mxfp4_quantize(x, sfLayout=Layout.layout_128x4 if swizzled else Layout.layout_linear)
        layout = Layout.layout_128x4 if swizzled else Layout.layout_linear
        return self.nvfp4_quantize(x, scale, layout)

    def mxfp4_quantize(
        self,
        x: torch.Tensor,
        *,
        sfLayout: int = 0,  # noqa: N803
        **_: Any,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        q = quantized(x, MX)
        return tensor(q.codes), _laid_out(q.block_scales, sfLayout)

    def mxfp4_dequantize(
        self,
        codes: torch.Tensor,
        scales: torch.Tensor,
        *,
        sfLayout: int = 0,  # noqa: N803
    ) -> torch.Tensor:
        return _values(codes, _linear(scales, len(codes), codes.shape[1] // 16, sfLayout), MX)

    def to_float(
        self,
        codes: torch.Tensor,
        scales: torch.Tensor,
        decode: torch.Tensor,
        *,
        sf_vec_size: int,
        ufp8_type: int,
        is_sf_swizzled_layout: bool,
    ) -> torch.Tensor:
        assert (sf_vec_size, ufp8_type) == (16, 1)
        layout = Layout.layout_128x4 if is_sf_swizzled_layout else Layout.layout_linear
        linear = _linear(scales, len(codes), codes.shape[1] // 8, layout)
        return _values(codes, linear, self.presets.replace("*", "nvfp4"), tensor_scale=decode.item())


def _values(codes: torch.Tensor, scales: np.ndarray, preset: str, **given: Any) -> torch.Tensor:
    return tensor(fos_ref.dequantize(fos_ref.from_bytes(codes, scales, preset, **given)))


def _laid_out(scales: np.ndarray, layout: int) -> torch.Tensor:
    """Return the scales in the layout that the call names, padding 0."""
    if layout == Layout.layout_linear:
        return tensor(scales)
    if layout == Layout.layout_128x4:
        return tensor(fos_ref.swizzle(scales).reshape(swizzled_shape(*scales.shape)))
    rows, cols = -(-scales.shape[0] // 8) * 8, -(-scales.shape[1] // 4) * 4
    padded = np.zeros((rows, cols), np.uint8)
    padded[: scales.shape[0], : scales.shape[1]] = scales
    return tensor(padded.reshape(rows // 8, 8, cols // 4, 4).transpose(0, 2, 1, 3).reshape(rows, cols))


def _linear(scales: torch.Tensor, rows: int, cols: int, layout: int) -> np.ndarray:
    """Return `_laid_out`'s scales row by row, padding dropped."""
    flat = scales.numpy().reshape(-1)
    if layout == Layout.layout_linear:
        return flat.reshape(rows, cols)
    if layout == Layout.layout_128x4:
        return fos_ref.unswizzle(flat, rows, cols)
    width = -(-cols // 4) * 4
    tiles = flat.reshape(-1, width // 4, 8, 4).transpose(0, 2, 1, 3)
    return tiles.reshape(-1, width)[:rows, :cols]
