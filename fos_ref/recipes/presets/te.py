"""TransformerEngine: the Python reference quantizer and the CUDA kernels."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

from fos_ref.recipes.axes import (
    AmaxScope,
    BlockScale,
    BlockShape,
    Dequantize,
    ElementNan,
    ErrorDomain,
    ErrorMetric,
    Map4Scale,
    NonFinite,
    Reduction,
    TensorScale,
    ZeroScale,
    ZeroSign,
)
from fos_ref.recipes.presets.choice import four_over_six
from fos_ref.recipes.recipe import Recipe

_FILE = (
    "NVIDIA/TransformerEngine@d0067d0da6cb01811b8072a7d304f0e00344ce2b:"
    "transformer_engine/pytorch/custom_recipes/reference_nvfp4.py::NVFP4QuantizerRef"
)

PLAIN = Recipe(
    name="te-nvfp4",
    tensor_scale=TensorScale.CLAMPED,
    block_scale=BlockScale.FOLDED_RECIPROCAL,
    zero_scale=ZeroScale.NO_SPECIAL_CASE,
    element_nan=ElementNan.CODE_0,
    zero_sign=ZeroSign.NEGATIVE_VALUES,
    dequantize=Dequantize.AMAX_RECIPROCAL,
    nonfinite=NonFinite.PROPAGATE,
    source=f"{_FILE}._quantize_blockwise_reference",
    evidence="ran",
)

FOUR_OVER_SIX = replace(
    PLAIN,
    name="te-mse-256",
    block_scale=BlockScale.DIVIDE_THEN_MULTIPLY,
    **four_over_six(
        map4_scale=Map4Scale.EXPAND_BEFORE_ROUNDING,
        error_domain=ErrorDomain.INPUT_AMAX,
        reduction=Reduction.SEQUENTIAL,
    ),
    source=f"{_FILE}._quantize_blockwise_4over6_reference",
)

#: What the CUDA kernel does differently from the Python reference.
_CUDA: dict[str, Any] = {
    "tensor_scale": TensorScale.CLAMPED_ZERO_IS_ONE,
    "element_nan": ElementNan.CODE_7,
    "zero_sign": ZeroSign.SIGN_BIT,
    "nonfinite": NonFinite.DROP_NAN,
    "source": (
        "NVIDIA/TransformerEngine@d0067d0da6cb01811b8072a7d304f0e00344ce2b:"
        "transformer_engine/common/cast/nvfp4/quantize_4over6_nvfp4.cuh::make_candidates"
    ),
    "evidence": "read",
}

CUDA_PLAIN = replace(PLAIN, **_CUDA, name="te-cuda-nvfp4")

_LAYOUTS: dict[str, dict[str, Any]] = {
    "": {},
    "-16x16": {"block_shape": BlockShape.TILE_16X16},
    "-row": {"amax_scope": AmaxScope.ROW},
}
_DOMAINS = {"": ErrorDomain.INPUT_AMAX, "-fast": ErrorDomain.SCALED}


def _all(prefix: str, change: dict[str, Any]) -> list[Recipe]:
    """Return the plain path and the four 4/6 modes of an implementation, in every layout."""
    plain = [
        replace(PLAIN, **change, **axes, name=f"{prefix}-nvfp4{tail}") for tail, axes in _LAYOUTS.items()
    ]
    modes = product((ErrorMetric.MAE, ErrorMetric.MSE), (256, 448), _DOMAINS.items(), _LAYOUTS.items())
    adaptive = [
        replace(
            FOUR_OVER_SIX,
            **change,
            **axes,
            name=f"{prefix}-{metric.value}-{bound}{fast}{tail}",
            error_metric=metric,
            scale_max=bound,
            error_domain=domain,
        )
        for metric, bound, (fast, domain), (tail, axes) in modes
    ]
    return plain + adaptive


def presets() -> list[Recipe]:
    """Return te-nvfp4, te-{mae,mse}-{256,448}[-fast], 1x16, 16x16 and row-scaled, and te-cuda-* likewise."""
    return _all("te", {}) + _all("te-cuda", _CUDA)
