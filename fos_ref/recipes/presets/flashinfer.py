"""FlashInfer's Python reference (the strict path of its kernels)."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

from fos_ref.recipes.axes import AmaxScope, Dequantize, ElementNan, ErrorDomain, ErrorMetric
from fos_ref.recipes.presets import te
from fos_ref.recipes.recipe import Recipe

STRICT = replace(
    te.FOUR_OVER_SIX,
    name="flashinfer-mse-256",
    element_nan=ElementNan.CODE_7,
    error_domain=ErrorDomain.INPUT_DECODE,
    dequantize=Dequantize.DECODE,
    source=(
        "flashinfer-ai/flashinfer@fb28d7242b3506a2348265962041acc1fb56cca4:"
        "tests/test_helpers/utils_fp4.py::ref_fp4_quant_4over6_te"
    ),
    evidence="ran",
)

#: Per tensor the error uses the decode scale, per token the row amax; `fast` measures scaled values.
_ERRORS: dict[tuple[str, str], dict[str, Any]] = {
    ("", ""): {"error_domain": ErrorDomain.INPUT_DECODE},
    ("", "-row"): {"error_domain": ErrorDomain.INPUT_AMAX, "amax_scope": AmaxScope.ROW},
    ("-fast", ""): {"error_domain": ErrorDomain.SCALED},
    ("-fast", "-row"): {"error_domain": ErrorDomain.SCALED, "amax_scope": AmaxScope.ROW},
}


def presets() -> list[Recipe]:
    """Return flashinfer-{mae,mse}-{256,448}[-fast][-row]."""
    metrics = (ErrorMetric.MAE, ErrorMetric.MSE)
    return [
        replace(
            STRICT,
            name=f"flashinfer-{metric.value}-{bound}{fast}{row}",
            error_metric=metric,
            scale_max=bound,
            **axes,
        )
        for metric, bound, ((fast, row), axes) in product(metrics, (256, 448), _ERRORS.items())
    ]
