"""Quantizers of research programs: RaZeR's 4/6 and FP-Quant's, a fork by the authors of 4/6.

Both have values and no codes of their own, or make the codes when they export.
"""

from __future__ import annotations

from dataclasses import replace

from fos_ref.recipes.axes import (
    BlockScale,
    Dequantize,
    ElementCast,
    ElementNan,
    ElementScaling,
    ErrorDomain,
    Map4Scale,
    NonFinite,
    ReciprocalOverflow,
    Reduction,
    ScaleFloor,
    TensorScale,
    ZeroScale,
    ZeroSign,
)
from fos_ref.recipes.presets.choice import four_over_six, METRICS
from fos_ref.recipes.recipe import Recipe

#: All values are divided by D first; scales, codes and errors are in that unit. Its result is rounded to
#: bfloat16 at the end. A value takes the sign of x/D: it differs from this where (x/D)/s underflows.
RAZER = Recipe(
    name="razer-4over6",
    **four_over_six(
        map4_scale=Map4Scale.FROM_BLOCK_AMAX,
        error_domain=ErrorDomain.DECODED,
        reduction=Reduction.TORCH_CPU,
    )
    | {"scale_max": 448},
    tensor_scale=TensorScale.DECODE_QUOTIENT,
    block_scale=BlockScale.DECODE_THEN_DIVIDE,
    scale_floor=ScaleFloor.MIN_SUBNORMAL,
    element_scaling=ElementScaling.DECODE_THEN_DIVIDE,
    zero_scale=ZeroScale.NO_SPECIAL_CASE,
    reciprocal_overflow=ReciprocalOverflow.INFINITY,
    element_cast=ElementCast.TIES_TO_SMALLER,
    element_nan=ElementNan.CODE_0,
    zero_sign=ZeroSign.NEGATIVE_VALUES,
    dequantize=Dequantize.DECODE,
    nonfinite=NonFinite.PROPAGATE,
    source=(
        "yc2367/NVFP4-RaZeR@01365d38709f09ba15bf914fa9ab1f582def9b38:"
        "quantize/quantizer.py::quant_nvfp4_4over6"
    ),
    evidence="read",
)

#: The weights of its GPTQ, which are float32 there: the choice is made once, before the columns are walked.
#: Its packer gives every zero code 8. Where s*D is 0 it exports E4M3(S) and not the byte 0 of this recipe; it
#: refuses a tensor of zeros.
FP_QUANT = Recipe(
    name="fpquant-4over6-mse",
    **four_over_six(
        map4_scale=Map4Scale.FROM_BLOCK_AMAX,
        error_domain=ErrorDomain.STRAIGHT_THROUGH,
        reduction=Reduction.TORCH_CPU,
    )
    | {"scale_max": 448},
    tensor_scale=TensorScale.RECIPROCAL_ZERO_SCALES,
    block_scale=BlockScale.DIVIDE_THEN_MULTIPLY,
    element_scaling=ElementScaling.DIVIDE_BY_PRODUCT,
    zero_scale=ZeroScale.PRODUCT_ONE,
    zero_sign=ZeroSign.ALWAYS,
    dequantize=Dequantize.DECODE_PRODUCT,
    source=(
        "jackcook/fp-quant-fouroversix@ab509f472c8af2e31cb9bfb3d9ca427610a22bb2:"
        "src/quantization/quantizer.py::Quantizer"
    ),
    evidence="read",
)


def presets() -> list[Recipe]:
    """Return razer-4over6 and fpquant-4over6-{mse,mae,absmax}."""
    rows = (replace(FP_QUANT, **axes, name=f"fpquant-4over6-{m}") for m, axes in METRICS.items())
    return [RAZER, *rows]
