"""GPTQModel: 4/6 with room for the map-to-4 scale of the largest block, and map-to-4 on a tie.

A scale byte is never 0: a block of zeros has 1, the others at least 2^-9.
"""

from __future__ import annotations

from dataclasses import replace

from fos_ref.recipes.axes import (
    BlockScale,
    Dequantize,
    ElementNan,
    ElementScaling,
    ErrorDomain,
    Map4Scale,
    Reduction,
    ScaleFloor,
    TensorScale,
    Tie,
)
from fos_ref.recipes.presets.choice import four_over_six
from fos_ref.recipes.recipe import Recipe

FOUR_OVER_SIX = Recipe(
    name="gptqmodel-4over6",
    **four_over_six(
        map4_scale=Map4Scale.FROM_BLOCK_AMAX,
        error_domain=ErrorDomain.INPUT_PRODUCT,
        reduction=Reduction.TORCH_CPU,
    )
    | {"scale_max": 448, "tie": Tie.FOUR},
    tensor_scale=TensorScale.DECODE_QUOTIENT_OF_FOUR,
    block_scale=BlockScale.DIVIDE_BY_DECODE,
    scale_floor=ScaleFloor.ZERO_IS_ONE,
    element_scaling=ElementScaling.DIVIDE_BY_PRODUCT,
    element_nan=ElementNan.CODE_0,
    dequantize=Dequantize.DECODE,
    source=(
        "ModelCloud/GPTQModel@4ea1be86624817309ede43e8e4cb00ce14526e42:"
        "gptqmodel/quantization/activation_floatx.py::_nvfp4_mse_quantize_blocks"
    ),
    evidence="ran",
)


def presets() -> list[Recipe]:
    """Return gptqmodel-4over6, and the same under the tensor scale of its recipes with headroom, A/2688."""
    headroom = replace(
        FOUR_OVER_SIX,
        name="gptqmodel-4over6-headroom",
        tensor_scale=TensorScale.DECODE_QUOTIENT_ZERO_IS_ONE,
    )
    return [FOUR_OVER_SIX, headroom]
