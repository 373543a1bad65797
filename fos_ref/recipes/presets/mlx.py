"""MLX: three back ends, three dialects. What it calls `global_scale` is the tensor amax.

A NaN block scale has no byte of its own there: FE or 7E, -448 or 448, by its sign. The presets say FF.
"""

from __future__ import annotations

from dataclasses import replace

from fos_ref.recipes.axes import (
    BlockScale,
    Dequantize,
    ElementCast,
    ElementNan,
    ElementScaling,
    NonFinite,
    ReciprocalOverflow,
    ScaleNan,
    TensorScale,
    ZeroScale,
    ZeroSign,
)
from fos_ref.recipes.recipe import NO_BOUND, Recipe

_RELEASE = "ml-explore/mlx@0.32.4:mlx/"

#: The fallback in MLX's own operations, which rounds b/6 and x/s to the dtype of the weight. Its argmin over
#: the 16 values never takes the second zero.
CPU = Recipe(
    name="mlx-cpu-nvfp4",
    tensor_scale=TensorScale.QUOTIENT,
    block_scale=BlockScale.DIVIDE_IN_INPUT_DTYPE,
    scale_nan=ScaleNan.CODE_FF,
    element_scaling=ElementScaling.DIVIDE_THEN_ENCODE,
    zero_scale=ZeroScale.NO_SPECIAL_CASE,
    reciprocal_overflow=ReciprocalOverflow.INFINITY,
    element_cast=ElementCast.FIRST_NEAREST,
    element_nan=ElementNan.CODE_0,
    zero_sign=ZeroSign.NEVER,
    dequantize=Dequantize.AMAX_QUOTIENT,
    nonfinite=NonFinite.PROPAGATE,
    source=f"{_RELEASE}ops.cpp::fp_quantize",
    evidence="ran",
)
UNSCALED = replace(
    CPU,
    name="mlx-cpu-nvfp4-unscaled",
    tensor_scale=TensorScale.NONE,
    scale_max=NO_BOUND,
    dequantize=Dequantize.DECODE,
)

#: A simd_max of the magnitudes: what it does with a NaN is the GPU's.
METAL = replace(
    CPU,
    name="mlx-metal-nvfp4",
    block_scale=BlockScale.DIVIDE_THEN_MULTIPLY,
    element_scaling=ElementScaling.ENCODE_QUOTIENT,
    zero_scale=ZeroScale.MULTIPLIER_ZERO,
    element_cast=ElementCast.SATURATE,
    element_nan=ElementNan.CODE_7,
    zero_sign=ZeroSign.SIGN_BIT,
    nonfinite=NonFinite.DROP_NAN,
    source=f"{_RELEASE}backend/metal/kernels/fp_quantized.h::fp_quantize",
    evidence="read",
)
CUDA = replace(
    METAL,
    name="mlx-cuda-nvfp4",
    scale_nan=ScaleNan.CODE_7F,
    zero_scale=ZeroScale.NO_SPECIAL_CASE,
    source=f"{_RELEASE}backend/cuda/quantized/fp_quantize.cuh::fp_quantize_rowwise",
)


def presets() -> list[Recipe]:
    """Return mlx-cpu-nvfp4[-unscaled], mlx-metal-nvfp4 and mlx-cuda-nvfp4."""
    return [CPU, UNSCALED, METAL, CUDA]
