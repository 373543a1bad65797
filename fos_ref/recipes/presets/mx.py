"""The MX formats of OCP's specification, and what the programs that quantize to MXFP4 do.

They differ in the power of two, in the midpoints of E2M1, in the sign of zero and in what a scale byte of 0
counts as. compressed-tensors, ModelOpt and MLX convert the logarithm of an amax that is not finite to an
integer, which has no defined result: such a block has the bytes of the axes here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fos_ref.recipes.axes import (
    BlockScale,
    BlockShape,
    Candidates,
    Dequantize,
    ElementCast,
    ElementFormat,
    ElementNan,
    ElementScaling,
    NonFinite,
    ScaleFloor,
    ScaleFormat,
    TensorScale,
    ZeroScale,
    ZeroSign,
)
from fos_ref.recipes.recipe import NO_BOUND, Recipe

OCP = Recipe(
    name="ocp-mxfp4",
    scale_format=ScaleFormat.E8M0_FLOOR,
    block_shape=BlockShape.ROW_32,
    scale_max=NO_BOUND,
    tensor_scale=TensorScale.NONE,
    block_scale=BlockScale.AMAX,
    element_scaling=ElementScaling.DIVIDE_BY_PRODUCT,
    zero_scale=ZeroScale.SCALE_2_127,
    dequantize=Dequantize.DECODE,
    source="OCP Microscaling Formats (MX) Specification 1.0, section 6.3, ties to even",
)
#: The other concrete formats of the specification: elements to nearest even, saturating.
OTHERS = {
    name: replace(OCP, name=f"ocp-{name}", element_format=fmt, candidates=Candidates.LARGEST)
    for name, fmt in {
        "mxfp6-e2m3": ElementFormat.E2M3,
        "mxfp6-e3m2": ElementFormat.E3M2,
        "mxfp8-e4m3": ElementFormat.E4M3,
        "mxfp8-e5m2": ElementFormat.E5M2,
        "mxint8": ElementFormat.INT8,
    }.items()
}
#: Its C++. The Python beside it takes exponents from a float32 log2, which rounds up just below a power of
#: two, and keeps the sign of a zero.
MICROXCALING = replace(
    OCP,
    name="microxcaling-mxfp4-nearest",
    element_cast=ElementCast.TIES_AWAY,
    zero_sign=ZeroSign.NEVER,
    nonfinite=NonFinite.PROPAGATE,
    source=(
        "microsoft/microxcaling@7bc41952de394f5cc5e782baf132e7c7542eb4e4:"
        "mx/cpp/quantize.cuh::quantize_mx_elem (round=nearest)"
    ),
    evidence="read",
)
_TORCHAO: dict[str, Any] = {
    "element_nan": ElementNan.CODE_B,
    "nonfinite": NonFinite.PROPAGATE,
    "source": (
        "pytorch/ao@36027d82d1ad9949597ea16002ff4940374b1b94:torchao/prototype/mx_formats/mx_tensor.py::to_mx"
    ),
    "evidence": "ran",
}
TORCHAO = {
    mode: replace(
        OCP, **_TORCHAO, zero_scale=ZeroScale.SCALE_2_126, scale_format=f, name=f"torchao-mxfp4-{mode}"
    )
    for mode, f in {
        "floor": ScaleFormat.E8M0_FLOOR,
        "ceil": ScaleFormat.E8M0_CEIL,
        "even": ScaleFormat.E8M0_EVEN,
    }.items()
}
TORCHAO_RCEIL = replace(
    OCP,
    **_TORCHAO,
    name="torchao-mxfp4-rceil",
    scale_format=ScaleFormat.E8M0_UP_SATFINITE,
    block_scale=BlockScale.LOGARITHM,
    zero_scale=ZeroScale.SCALE_ONE,
)
#: For float32 and bfloat16: a float16 scale below 2^-24 is 0 there, and becomes 1.
COMPRESSED_TENSORS = replace(
    OCP,
    name="compressed-tensors-mxfp4",
    scale_format=ScaleFormat.E8M0_EVEN,
    element_scaling=ElementScaling.DIVIDE_THEN_ENCODE,
    element_nan=ElementNan.CODE_0,
    zero_sign=ZeroSign.NEGATIVE_VALUES,
    nonfinite=NonFinite.PROPAGATE,
    source=(
        "vllm-project/compressed-tensors@ac8e2ba82f4e0d5eaa40069f8fc642738f124cd4:"
        "src/compressed_tensors/quantization/utils/mxfp_utils.py::generate_mx_scales (on a CPU)"
    ),
    evidence="ran",
)
MODELOPT = replace(
    OCP,
    name="modelopt-mxfp4",
    scale_format=ScaleFormat.E8M0_UP_SATFINITE,
    block_scale=BlockScale.LOGARITHM,
    element_cast=ElementCast.TIES_TO_SMALLER,
    element_nan=ElementNan.CODE_0,
    zero_sign=ZeroSign.NOT_POSITIVE,
    nonfinite=NonFinite.PROPAGATE,
    source=(
        "NVIDIA/Model-Optimizer@a2fbac7bad8ab446d3f8783dadb0c3366eb0ad73:"
        "modelopt/torch/quantization/qtensor/mxfp4_tensor.py::MXFP4QTensor.quantize"
    ),
    evidence="ran",
)
MLX = replace(
    OCP,
    name="mlx-mxfp4",
    scale_format=ScaleFormat.E8M0_UP_WRAPS,
    block_scale=BlockScale.DIVIDE_IN_INPUT_DTYPE,
    scale_floor=ScaleFloor.ZERO_ALONE_IS_ONE,
    element_cast=ElementCast.TIES_TO_SMALLER,
    element_nan=ElementNan.CODE_0,
    zero_sign=ZeroSign.NEVER,
    nonfinite=NonFinite.PROPAGATE,
    source=(
        "ml-explore/mlx@e73e87da82a88330a4ee1458678daee4cb632d68:"
        "mlx/ops.cpp::fp_quantize (on a CPU; release 0.32.4)"
    ),
    evidence="ran",
)
#: Up to release 0.32.2, on Metal; a CPU took the logarithm in the input's dtype there.
MLX_NEAREST = replace(
    OCP,
    name="mlx-metal-mxfp4-nearest",
    scale_format=ScaleFormat.E8M0_NEAREST_LOG2,
    block_scale=BlockScale.DIVIDE_THEN_MULTIPLY,
    element_scaling=ElementScaling.RECIPROCAL_OF_PRODUCT,
    nonfinite=NonFinite.DROP_NAN,
    source=(
        "ml-explore/mlx@846d176227a0ac13d2667e58d2bb68b322109ab0:"
        "mlx/backend/metal/kernels/fp_quantized.h::fp_quantize (release 0.32.2)"
    ),
    evidence="read",
)
QWIX = replace(
    OCP,
    name="qwix-mxfp4",
    scale_format=ScaleFormat.E8M0_UP_SATFINITE,
    block_scale=BlockScale.LOGARITHM_IN_INPUT_DTYPE,
    scale_floor=ScaleFloor.TINY_IS_ONE,
    nonfinite=NonFinite.PROPAGATE,
    source="google/qwix@76a3831e600696204244f6016db771e1c0c9f938:qwix/_src/core/qarray.py::compute_scale_zero_point",
    evidence="read",
)


def presets() -> list[Recipe]:
    """Return the MX presets of this page; fouroversix's two stand beside its other formats."""
    programs = [*TORCHAO.values(), TORCHAO_RCEIL, COMPRESSED_TENSORS, MODELOPT, MLX, MLX_NEAREST, QWIX]
    return [OCP, *OTHERS.values(), MICROXCALING, *programs]
