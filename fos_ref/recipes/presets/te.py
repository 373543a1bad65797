"""TransformerEngine's Python reference quantizer."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

from fos_ref.recipes.axes import (
    AmaxScope,
    BlockScale,
    BlockShape,
    Candidates,
    Dequantize,
    ElementNan,
    ErrorDomain,
    ErrorMetric,
    Map4Scale,
    NonFinite,
    Reduction,
    TensorScale,
    Tie,
    ZeroScale,
    ZeroSign,
)
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
    candidates=Candidates.FOUR_OVER_SIX,
    scale_max=256,
    block_scale=BlockScale.DIVIDE_THEN_MULTIPLY,
    map4_scale=Map4Scale.EXPAND_BEFORE_ROUNDING,
    error_domain=ErrorDomain.INPUT_AMAX,
    error_metric=ErrorMetric.MSE,
    reduction=Reduction.SEQUENTIAL,
    tie=Tie.SIX,
    source=f"{_FILE}._quantize_blockwise_4over6_reference",
)

_LAYOUTS: dict[str, dict[str, Any]] = {
    "": {},
    "-16x16": {"block_shape": BlockShape.TILE_16X16},
    "-row": {"amax_scope": AmaxScope.ROW},
}
_DOMAINS = {"": ErrorDomain.INPUT_AMAX, "-fast": ErrorDomain.SCALED}


def presets() -> list[Recipe]:
    """Return te-nvfp4 and te-{mae,mse}-{256,448}[-fast], each 1x16, 16x16 and row-scaled."""
    plain = [replace(PLAIN, name=f"te-nvfp4{tail}", **axes) for tail, axes in _LAYOUTS.items()]
    metrics = (ErrorMetric.MAE, ErrorMetric.MSE)
    adaptive = [
        replace(
            FOUR_OVER_SIX,
            name=f"te-{metric.value}-{bound}{fast}{tail}",
            error_metric=metric,
            scale_max=bound,
            error_domain=domain,
            **axes,
        )
        for metric, bound, (fast, domain), (tail, axes) in product(
            metrics, (256, 448), _DOMAINS.items(), _LAYOUTS.items()
        )
    ]
    return plain + adaptive
