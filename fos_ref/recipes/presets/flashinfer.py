"""FlashInfer: the Python reference of its strict path, and the default path with approximate reciprocals."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

from fos_ref.recipes.axes import (
    AmaxScope,
    BlockScale,
    Dequantize,
    ElementNan,
    ErrorDomain,
    ErrorMetric,
    NonFinite,
    Reciprocal,
    ReciprocalOverflow,
    ZeroScale,
    ZeroSign,
)
from fos_ref.recipes.presets import te
from fos_ref.recipes.recipe import Recipe

#: `read`: the reference is in no package, so CI cannot run it. A run by hand compared every byte: see
#: tests/differential/README.md and reports/evidence-peers.json.
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
    evidence="read",
)

#: What the kernels do by default, unless FLASHINFER_DISABLE_FP4_QUANT_FAST_MATH is set. The reciprocals of
#: 6, S and s*D are rcp.approx.ftz: within 1 ulp, so the hardware decides the bits near a rounding boundary.
#: The model takes the correctly rounded reciprocal. The kernels also flush subnormals, which it does not.
_DEFAULT: dict[str, Any] = {
    "block_scale": BlockScale.RECIPROCAL_THEN_MULTIPLY,
    "reciprocal": Reciprocal.APPROXIMATE,
    "reciprocal_overflow": ReciprocalOverflow.INFINITY,
    "zero_scale": ZeroScale.ZERO_BLOCKS,
    "zero_sign": ZeroSign.SIGN_BIT,
    "nonfinite": NonFinite.DROP_NAN,
    "source": (
        "flashinfer-ai/flashinfer@fb28d7242b3506a2348265962041acc1fb56cca4:"
        "csrc/nv_internal/tensorrt_llm/kernels/quantization_utils.cuh::cvt_warp_fp16_to_fp4"
    ),
}

#: Per tensor the error uses the decode scale, per token the row amax; `fast` measures scaled values.
_ERRORS: dict[tuple[str, str], dict[str, Any]] = {
    ("", ""): {"error_domain": ErrorDomain.INPUT_DECODE},
    ("", "-row"): {"error_domain": ErrorDomain.INPUT_AMAX, "amax_scope": AmaxScope.ROW},
    ("-fast", ""): {"error_domain": ErrorDomain.SCALED},
    ("-fast", "-row"): {"error_domain": ErrorDomain.SCALED, "amax_scope": AmaxScope.ROW},
}


def _all(prefix: str, change: dict[str, Any]) -> list[Recipe]:
    modes = product((ErrorMetric.MAE, ErrorMetric.MSE), (256, 448), _ERRORS.items())
    return [
        replace(
            STRICT,
            **change,
            **axes,
            name=f"{prefix}-{metric.value}-{bound}{fast}{row}",
            error_metric=metric,
            scale_max=bound,
        )
        for metric, bound, ((fast, row), axes) in modes
    ]


def presets() -> list[Recipe]:
    """Return flashinfer-{mae,mse}-{256,448}[-fast][-row] and flashinfer-default-* likewise."""
    return _all("flashinfer", {}) + _all("flashinfer-default", _DEFAULT)
