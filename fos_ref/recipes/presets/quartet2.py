"""Quartet II: the CUDA four_six kernel and the Triton simulator with its grid of ties away from zero."""

from __future__ import annotations

from dataclasses import replace

from fos_ref.recipes.axes import (
    BlockScale,
    BlockShape,
    Dequantize,
    ElementCast,
    ElementNan,
    ElementScaling,
    ErrorDomain,
    Map4Scale,
    NonFinite,
    Reciprocal,
    ReciprocalOverflow,
    Reduction,
    ScaleFloor,
    TensorScale,
    ZeroScale,
    ZeroSign,
)
from fos_ref.recipes.presets.choice import four_over_six
from fos_ref.recipes.recipe import Recipe

_REPO = "IST-DASLab/Quartet-II@8776a90b7aa0c0a400ad858a3c05a66f7ec55b73:"

#: rcp.approx.ftz computes 1/D and 1/(s*D): the hardware decides the bits near a rounding boundary.
CUDA_PLAIN = Recipe(
    name="quartet2-nvfp4",
    tensor_scale=TensorScale.DECODE_RECIPROCALS,
    block_scale=BlockScale.RECIPROCAL_PER_MAXIMUM,
    reciprocal=Reciprocal.APPROXIMATE,
    reciprocal_overflow=ReciprocalOverflow.INFINITY,
    zero_scale=ZeroScale.SCALE_ONE,
    dequantize=Dequantize.DECODE_PRODUCT,
    nonfinite=NonFinite.DROP_NAN,
    source=f"{_REPO}kernels/csrc/round_four_six.cu::four_six_fp4_kernel",
    evidence="read",
)
CUDA_FOUR_OVER_SIX = replace(
    CUDA_PLAIN,
    name="quartet2-4over6",
    **four_over_six(
        map4_scale=Map4Scale.FROM_BLOCK_AMAX,
        error_domain=ErrorDomain.FUSED_RESIDUAL,
        reduction=Reduction.FUSED_EVEN_ODD,
    ),
)

#: Division is `/`, div.full.f32 on a GPU (2 ulp); the order of the sum is the compiler's. Both are modelled
#: by what a CPU does.
TRITON_PLAIN = replace(
    CUDA_PLAIN,
    name="quartet2-triton-nvfp4",
    tensor_scale=TensorScale.DECODE_QUOTIENT,
    block_scale=BlockScale.DIVIDE_THEN_DIVIDE,
    element_scaling=ElementScaling.DIVIDE_BY_PRODUCT,
    element_cast=ElementCast.TIES_AWAY,
    source=f"{_REPO}src/models/quantization/quantizers/nvfp4_triton.py::rtn_1x16s_fp4_kernel",
)
TRITON_FOUR_OVER_SIX = replace(
    TRITON_PLAIN,
    name="quartet2-triton-4over6",
    **four_over_six(
        map4_scale=Map4Scale.EXPAND_AMAX,
        error_domain=ErrorDomain.INPUT_PRODUCT,
        reduction=Reduction.SEQUENTIAL,
    ),
)
#: The plain ones above are kept for what was published under them: D and zeros are not quite the program's.
SIMULATOR_PLAIN = replace(
    TRITON_PLAIN,
    name="quartet2-simulator-nvfp4",
    tensor_scale=TensorScale.DECODE_TWO_QUOTIENTS,
    scale_floor=ScaleFloor.ZERO_CODE_IS_ONE,
    element_nan=ElementNan.CODE_8,
    zero_sign=ZeroSign.NOT_POSITIVE,
)
SIMULATOR_TILES = replace(
    SIMULATOR_PLAIN,
    name="quartet2-simulator-nvfp4-16x16",
    block_shape=BlockShape.TILE_16X16,
    tensor_scale=TensorScale.DECODE_TWO_QUOTIENTS_SHORT,
    source=f"{_REPO}src/models/quantization/quantizers/nvfp4_triton.py::rtn_16x16s_fp4_kernel",
)


def presets() -> list[Recipe]:
    """Return quartet2-{nvfp4,4over6}, quartet2-triton-{nvfp4,4over6}[-16x16] and the simulator's own.

    Of a 16x16 tile of `quartet2-triton-nvfp4` the program has 447.99 for 448, and it divides by 448 and 6 one
    after the other: `quartet2-simulator-nvfp4` does.
    """
    triton = [TRITON_PLAIN, TRITON_FOUR_OVER_SIX]
    tiles = [replace(r, name=f"{r.name}-16x16", block_shape=BlockShape.TILE_16X16) for r in triton]
    return [CUDA_PLAIN, CUDA_FOUR_OVER_SIX, *triton, *tiles, SIMULATOR_PLAIN, SIMULATOR_TILES]
