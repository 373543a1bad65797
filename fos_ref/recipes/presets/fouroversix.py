"""The 4/6 authors' PyTorch reference on a CPU, their CUDA kernel, and what their Triton kernel pins.

Compared with release 1.0.5: the same bytes but for one thing, MXFP4 divides by a scale of 0 there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fos_ref.recipes.axes import (
    BlockShape,
    Candidates,
    Dequantize,
    ElementCast,
    ElementFormat,
    ElementNan,
    ElementScaling,
    ErrorDomain,
    ErrorMetric,
    Map4Scale,
    NonFinite,
    ReciprocalOverflow,
    Reduction,
    ScaleFormat,
    ScaleNan,
    TensorScale,
    ZeroScale,
    ZeroSign,
)
from fos_ref.recipes.presets.choice import four_over_six, METRICS
from fos_ref.recipes.recipe import NO_BOUND, Recipe

_REPO = "mit-han-lab/fouroversix@dadfad6901d473a734fe71e0b082e70ee993e23a:src/fouroversix/"

STATIC_6 = Recipe(
    name="fouroversix-static6",
    tensor_scale=TensorScale.ZERO_SCALES,
    scale_nan=ScaleNan.CODE_FF,
    reciprocal_overflow=ReciprocalOverflow.INFINITY,
    element_cast=ElementCast.UNSATURATED,
    element_nan=ElementNan.WRAPS,
    zero_sign=ZeroSign.NEGATIVE_VALUES,
    nonfinite=NonFinite.PROPAGATE,
    source=f"{_REPO}quantize/pytorch/reference.py::quantize",
    evidence="ran",
)

MSE = replace(
    STATIC_6,
    name="fouroversix-mse",
    **four_over_six(
        map4_scale=Map4Scale.EXPAND_BEFORE_ROUNDING,
        error_domain=ErrorDomain.INPUT_AMAX,
        reduction=Reduction.TORCH_CPU,
    ),
)

#: What the CUDA kernel does differently from the PyTorch reference.
_CUDA: dict[str, Any] = {
    "tensor_scale": TensorScale.QUOTIENT_ZERO_IS_ONE,
    "scale_nan": ScaleNan.CODE_7F,
    "zero_scale": ZeroScale.NO_SPECIAL_CASE,
    "reciprocal_overflow": ReciprocalOverflow.CLAMP_TO_MAX,
    "element_cast": ElementCast.SATURATE,
    "element_nan": ElementNan.CODE_7,
    "zero_sign": ZeroSign.SIGN_BIT,
    "nonfinite": NonFinite.DROP_NAN,
    "source": f"{_REPO}csrc/include/fp4_quant_kernel.h::compute_fp4_quant_block",
    "evidence": "read",
}
#: The Triton kernel where nothing is left to the compiler: abs-max and the static rules.
TRITON: dict[str, Any] = {
    **_CUDA,
    "tensor_scale": TensorScale.ZERO_SCALES,
    "zero_scale": ZeroScale.ZERO_CODES,
    "reciprocal_overflow": ReciprocalOverflow.INFINITY,
    "source": f"{_REPO}kernels/triton/quantize.py::compute_scale_factors_kernel (sm_100 and above)",
}

#: The formats of 3 and 6 bits. The reference has FP6 and IF6; of the others it silently makes NVFP4, and the
#: Triton kernels state them. There the order of a sum is the compiler's: it is the reference's here.
_FP6: dict[str, Any] = {
    "candidates": Candidates.LARGEST,
    "element_cast": ElementCast.SATURATE,
    "element_nan": ElementNan.CODE_0,
    "source": f"{_REPO}quantize/pytorch/fp6.py::_convert_to_fp6_with_rtn",
    "evidence": "read",
}
_SHORT: dict[str, Any] = {
    **TRITON,
    "candidates": Candidates.LARGEST,
    "zero_sign": ZeroSign.NEGATIVE_VALUES,
    "source": f"{_REPO}kernels/triton/quantize.py::compute_scale_factors_kernel (sm_100 and above)",
}
#: Name -> the element format and what else it changes.
_STATIC: dict[str, tuple[ElementFormat, dict[str, Any]]] = {
    "nvfp6-e2m3": (ElementFormat.E2M3, _FP6),
    "nvfp6-e3m2": (ElementFormat.E3M2, _FP6),
    "nvint6": (ElementFormat.INT6, _SHORT),
    "nvint3": (ElementFormat.INT3, _SHORT),
    "nvfp3": (ElementFormat.E2M0, {**_SHORT, "element_cast": ElementCast.TIES_TO_SMALLER}),
}

MXFP4 = Recipe(
    name="fouroversix-mxfp4-static6",
    scale_format=ScaleFormat.E8M0_UP,
    block_shape=BlockShape.ROW_32,
    scale_max=NO_BOUND,
    tensor_scale=TensorScale.NONE,
    element_scaling=ElementScaling.DIVIDE_BY_PRODUCT,
    element_cast=ElementCast.UNSATURATED,
    element_nan=ElementNan.WRAPS,
    zero_sign=ZeroSign.NEGATIVE_VALUES,
    dequantize=Dequantize.DECODE,
    nonfinite=NonFinite.PROPAGATE,
    source=f"{_REPO}quantize/pytorch/reference.py::quantize_to_mxfp4",
    evidence="ran",
)
_IF4: dict[str, Any] = {
    "element_format": ElementFormat.E2M1_OR_INT4,
    "candidates": Candidates.FLOAT_OR_INT,
    "scale_max": 448,
    "map4_scale": None,
    "source": f"{_REPO}quantize/pytorch/reference.py::select_intfloat",
}


#: Name -> the element format and what it changes of IF4.
_PAIRS: dict[str, tuple[ElementFormat, dict[str, Any]]] = {
    "if4": (ElementFormat.E2M1_OR_INT4, {}),
    "if3": (
        ElementFormat.E2M0_OR_INT3,
        {**TRITON, "zero_sign": ZeroSign.NEGATIVE_VALUES, "element_cast": ElementCast.TIES_TO_SMALLER}
        | {"source": f"{_REPO}kernels/triton/quantize.py::intfloat_block_scaled_quantization_kernel"},
    ),
    "if6-e2m3": (ElementFormat.E2M3_OR_INT6, {**_FP6, "source": _IF4["source"]}),
    "if6-e3m2": (ElementFormat.E3M2_OR_INT6, {**_FP6, "source": _IF4["source"]}),
}
#: The reference makes no IF4 in blocks of 8.
_IF_BS8: dict[str, Any] = {
    **TRITON,
    "block_shape": BlockShape.ROW_8,
    "source": f"{_REPO}kernels/triton/quantize.py::intfloat_block_scaled_quantization_kernel",
}


def _pairs() -> list[Recipe]:
    """Return what chooses between floats and integers, by three metrics; IF4 also in other blocks."""
    found = [
        replace(
            MSE,
            **{**_IF4, **change, "element_format": fmt, "candidates": Candidates.FLOAT_OR_INT, **axes},
            name=f"fouroversix-{name}-{m}",
        )
        for name, (fmt, change) in _PAIRS.items()
        for m, axes in METRICS.items()
    ]
    if4 = found[: len(METRICS)]
    tiles = [replace(r, name=f"{r.name}-16x16", block_shape=BlockShape.TILE_16X16) for r in if4]
    return [*found, *tiles, *(replace(r, **_IF_BS8, name=f"{r.name}-bs8") for r in if4)]


def _static() -> list[Recipe]:
    """Return the formats of 3 and 6 bits without a choice, and NVFP4 in blocks of 8."""
    found = [
        replace(STATIC_6, **change, name=f"fouroversix-{name}", element_format=fmt)
        for name, (fmt, change) in _STATIC.items()
    ]
    short = replace(STATIC_6, name="fouroversix-nvfp4-bs8", block_shape=BlockShape.ROW_8, evidence="read")
    return [*found, short]


def _nvfp4(prefix: str, change: dict[str, Any]) -> list[Recipe]:
    """Return the five rules of an implementation, each 1x16 and 16x16."""
    adaptive = [replace(MSE, **change, **axes, name=f"{prefix}-{m}") for m, axes in METRICS.items()]
    static = [
        replace(STATIC_6, **change, name=f"{prefix}-static6"),
        replace(STATIC_6, **change, name=f"{prefix}-static4", candidates=Candidates.FOUR),
    ]
    rows = adaptive + static
    return rows + [replace(r, name=f"{r.name}-16x16", block_shape=BlockShape.TILE_16X16) for r in rows]


def _cuda() -> list[Recipe]:
    """Return the CUDA kernel's rules: its MSE sum is contracted to fma, its MAE sum is in order."""
    orders = {ErrorMetric.MSE: Reduction.FUSED_SEQUENTIAL, ErrorMetric.MAE: Reduction.SEQUENTIAL}
    return [
        replace(r, reduction=orders[r.error_metric]) if r.error_metric in orders else r
        for r in _nvfp4("fouroversix-cuda", _CUDA)
    ]


def _triton() -> list[Recipe]:
    """Return the Triton rules whose bits the source pins: no sums."""
    return [r for r in _nvfp4("fouroversix-triton", TRITON) if r.reduction is None]


def presets() -> list[Recipe]:
    """Return fouroversix-*, -cuda-*, -triton-*, and the formats beside NVFP4."""
    nvint4 = replace(
        STATIC_6,
        name="fouroversix-nvint4",
        element_format=ElementFormat.INT4,
        candidates=Candidates.SEVEN,
        source=f"{_REPO}quantize/pytorch/reference.py::quantize_to_nvint4",
    )
    mx = [MXFP4, replace(MXFP4, name="fouroversix-mxfp4-static4", candidates=Candidates.FOUR)]
    return [*_nvfp4("fouroversix", {}), *_cuda(), *_triton(), *_pairs(), nvint4, *_static(), *mx]
