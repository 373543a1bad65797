"""NVIDIA Model-Optimizer: the packed NVFP4 tensor, and 4/6 as a two-point search over block amaxes."""

from __future__ import annotations

from dataclasses import replace

from fos_ref.recipes.axes import (
    BlockScale,
    Dequantize,
    ElementScaling,
    ErrorDomain,
    Map4Scale,
    NonFinite,
    Reduction,
    ScaleFloor,
    ScaleNan,
    TensorScale,
    ZeroScale,
    ZeroSign,
)
from fos_ref.recipes.presets.choice import four_over_six
from fos_ref.recipes.recipe import Recipe

_REPO = "NVIDIA/Model-Optimizer@a2fbac7bad8ab446d3f8783dadb0c3366eb0ad73:modelopt/torch/"

PLAIN = Recipe(
    name="modelopt-nvfp4",
    tensor_scale=TensorScale.DECODE_QUOTIENT,
    block_scale=BlockScale.DIVIDE_BY_DECODE,
    scale_floor=ScaleFloor.ZERO_IS_ONE,
    element_scaling=ElementScaling.DIVIDE_BY_PRODUCT,
    zero_scale=ZeroScale.NO_SPECIAL_CASE,
    scale_nan=ScaleNan.CODE_FF,
    zero_sign=ZeroSign.NEGATIVE_VALUES,
    dequantize=Dequantize.DECODE_PRODUCT,
    nonfinite=NonFinite.PROPAGATE,
    source=f"{_REPO}quantization/qtensor/nvfp4_tensor.py::NVFP4QTensor.quantize",
    evidence="ran",
)

FOUR_OVER_SIX = replace(
    PLAIN,
    name="modelopt-4over6",
    block_scale=BlockScale.NORMALISED,
    **four_over_six(
        map4_scale=Map4Scale.EXPAND_AMAX,
        error_domain=ErrorDomain.TRIAL,
        reduction=Reduction.TORCH_CPU,
    ),
    source=f"{_REPO}quantization/calib/mse.py::MseCalibrator.compute_amax",
    evidence="read",
)


def presets() -> list[Recipe]:
    """Return modelopt-nvfp4 and modelopt-4over6."""
    return [PLAIN, FOUR_OVER_SIX]
