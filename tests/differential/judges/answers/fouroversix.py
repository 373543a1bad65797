"""The CUDA and Triton back ends of fouroversix, answered; the PyTorch back end is the peer's own checkout."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch

import fos_ref

from .base import put, quantized, tensor

RULES = {"abs_max": "absmax", "static_4": "static4", "static_6": "static6"}
PLAIN = ("nvint4", "nvfp6_e2m3", "nvfp6_e3m2", "nvint6")  #: one rule, so our names have none
LINEAR = ("if4", "nvint4")  #: formats whose scales stay row by row
PAIRS = (("cuda", "pytorch"), ("triton", "pytorch"))
SHAPE = (512, 1024)


def preset_of(presets: str, dtype: str, rule: str, *, tile: bool) -> str:
    """Return our name of a format and a rule of the peer."""
    named = "" if dtype == "nvfp4" else dtype.replace("_", "-")
    parts = [p for p in (named, "" if dtype in PLAIN else RULES.get(rule, rule)) if p]
    return presets.replace("*", "-".join(parts) + ("-16x16" if tile else ""))


def chosen(name: str, params: dict[str, Any]) -> bool:
    """Ask the pairs with the PyTorch back end on one shape, as they come in, where there is a preset."""
    if name != "test_backend_outputs_are_consistent":
        return False
    pair = params["backend_a"].value, params["backend_b"].value
    dtype, rule = params["dtype"], params["scale_rule"]
    tile = params["block_scale_2d"] == "block_scale_2d"
    return (
        pair in PAIRS
        and (pair[0] == "cuda") == (dtype.value == "nvfp4")
        and rule in dtype.supported_scale_rules
        and (params["rht"], params["transpose"], params["input_shape"]) == ("no_rht", "no_transpose", SHAPE)
        and preset_of("fouroversix-*", dtype.value, rule.value, tile=tile) in fos_ref.PRESETS
    )


def stand_in(folder: Path, presets: str) -> None:
    sys.path.insert(0, str(folder / "src"))
    put({"fouroversix.diffusers": {"FourOverSixConfig": None}})
    from fouroversix.quantize import frontend  # noqa: PLC0415
    from fouroversix.quantize.backend import QuantizeBackendBase  # noqa: PLC0415
    from fouroversix.quantize.quantized_tensor import QuantizedTensor  # noqa: PLC0415

    assert str(folder) in str(frontend.__file__)

    class Answer(QuantizeBackendBase):
        @classmethod
        def is_available(cls) -> bool:
            return True

        @classmethod
        def can_quantize(cls, x: Any, config: Any) -> bool:
            return super().can_quantize(x, config)

        @classmethod
        def can_dequantize(cls, _: Any) -> bool:
            return False

        @classmethod
        def quantize(cls, x: torch.Tensor, config: Any) -> Any:
            dtype, tile = config.dtype, config.block_scale_2d
            q = quantized(x, preset_of(presets, dtype.value, config.scale_rule.value, tile=tile))
            amax = tensor(q.tensor_amax) if dtype.scale_type.value != "mx" else torch.ones(1)
            blocked = dtype.value not in LINEAR
            scales = tensor(fos_ref.swizzle(q.block_scales) if blocked else q.block_scales.reshape(-1))
            told = (dtype, tuple(x.shape), config.scale_rule, config.round_style)
            return QuantizedTensor(
                tensor(q.codes),
                scales.view(dtype.scale_type.torch_dtype),
                amax,
                *told,
                scale_factors_are_in_blackwell_layout=blocked,
            )

    for key in frontend.AVAILABLE_BACKENDS:
        if key.value in ("cuda", "triton"):
            frontend.AVAILABLE_BACKENDS[key] = Answer
