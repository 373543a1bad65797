"""qwix (JAX): NVFP4 without a tensor scale, in the dtype of the array.

Its smallest scale before the cast is that of float32 and bfloat16; that of float16, 2^-7, is not stated.
"""

from __future__ import annotations

from fos_ref.recipes.axes import (
    BlockScale,
    Dequantize,
    ElementNan,
    ElementScaling,
    NonFinite,
    ReciprocalOverflow,
    ScaleFloor,
    ScaleNan,
    TensorScale,
    ZeroScale,
)
from fos_ref.recipes.recipe import NO_BOUND, Recipe

NVFP4 = Recipe(
    name="qwix-nvfp4",
    scale_max=NO_BOUND,
    tensor_scale=TensorScale.NONE,
    block_scale=BlockScale.DIVIDE_IN_INPUT_DTYPE,
    scale_floor=ScaleFloor.TINY_IS_ONE,
    scale_nan=ScaleNan.CODE_FF,
    element_scaling=ElementScaling.DIVIDE_THEN_ENCODE,
    zero_scale=ZeroScale.NO_SPECIAL_CASE,
    reciprocal_overflow=ReciprocalOverflow.INFINITY,
    element_nan=ElementNan.CODE_8,
    dequantize=Dequantize.DECODE,
    nonfinite=NonFinite.PROPAGATE,
    source="google/qwix@0.1.8:qwix/_src/core/qarray.py::compute_scale_zero_point",
    evidence="ran",
)


def presets() -> list[Recipe]:
    """Return qwix-nvfp4."""
    return [NVFP4]
