"""llama.cpp's NVFP4: no tensor scale, a scale cast of its own, and the nearest of 16 values by comparison.

Its blocks of 64 hold four scales of 16 values; the layout of a file is fos_ref/storage/gguf_blocks.py's.
"""

from __future__ import annotations

from fos_ref.recipes.axes import (
    Dequantize,
    ElementCast,
    ElementNan,
    ElementScaling,
    NonFinite,
    ReciprocalOverflow,
    ScaleFormat,
    TensorScale,
    ZeroScale,
    ZeroSign,
)
from fos_ref.recipes.recipe import NO_BOUND, Recipe

NVFP4 = Recipe(
    name="ggml-nvfp4",
    scale_format=ScaleFormat.E4M3_HALF_UP,
    scale_max=NO_BOUND,
    tensor_scale=TensorScale.NONE,
    element_scaling=ElementScaling.DIVIDE_BY_PRODUCT,
    zero_scale=ZeroScale.NO_SPECIAL_CASE,
    reciprocal_overflow=ReciprocalOverflow.INFINITY,
    element_cast=ElementCast.NEAREST_PRODUCT,
    element_nan=ElementNan.CODE_0,
    zero_sign=ZeroSign.NEVER,
    dequantize=Dequantize.DECODE,
    nonfinite=NonFinite.DROP_NAN,
    source="ggml-org/llama.cpp@36491e4024b3016e6e2d21afc140add042b44bec:ggml/src/ggml-quants.c::quantize_row_nvfp4_ref",
    evidence="read",
)


def presets() -> list[Recipe]:
    """Return ggml-nvfp4."""
    return [NVFP4]
