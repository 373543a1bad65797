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
    Map4Scale,
    NonFinite,
    Reciprocal,
    ReciprocalOverflow,
    Reduction,
    TensorScale,
    ZeroScale,
    ZeroSign,
)
from fos_ref.recipes.presets import te
from fos_ref.recipes.presets.choice import four_over_six
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

_RELEASE = "flashinfer-ai/flashinfer@77039051b0be921788dc2784ec41423b558878ec:"  #: 0.7.4
#: Plain NVFP4. S is the caller's, and FlashInfer's own helper makes it by a product with 1/A. The strict path
#: is what 0.7.4 calls `batch_invariant`, and has a CPU reference; the kernel without that name has the same
#: arithmetic, but gives a block of zeros the scale 0 where S is infinite.
PLAIN = replace(
    te.PLAIN,
    name="flashinfer-nvfp4",
    tensor_scale=TensorScale.RECIPROCAL_TIMES_RANGE,
    reciprocal_overflow=ReciprocalOverflow.MINIMUM_NUMBER,
    element_nan=ElementNan.CODE_7,
    zero_sign=ZeroSign.SIGN_BIT,
    nonfinite=NonFinite.DROP_NAN,
    dequantize=Dequantize.DECODE,
    source=f"{_RELEASE}flashinfer/batch_invariant/quantization/nvfp4_reference.py::quantize_reference",
    evidence="ran",
)
#: What the kernels do by default from 0.7.4 on, where a scale byte of 0 makes the multiplier 0. Which bytes
#: the hardware decides is said as for the choice below. Per token S is an approximate reciprocal too.
PLAIN_DEFAULT = replace(
    PLAIN,
    name="flashinfer-default-nvfp4",
    block_scale=BlockScale.RECIPROCAL_THEN_MULTIPLY,
    reciprocal=Reciprocal.APPROXIMATE,
    reciprocal_overflow=ReciprocalOverflow.INFINITY,
    zero_scale=ZeroScale.MULTIPLIER_ZERO,
    source=(f"{_RELEASE}csrc/nv_internal/tensorrt_llm/kernels/quantization_utils.cuh::cvt_warp_fp16_to_fp4"),
    evidence="read",
)
#: What is appended to a key or value cache, with precise_rounding; without it the divisions are approximate
#: and subnormals vanish. The caller gives D. nvcc may fuse the sum, as it is stated here, and the difference.
KV = replace(
    PLAIN,
    name="flashinfer-kv-nvfp4",
    tensor_scale=TensorScale.DECODE_QUOTIENT_ZERO_IS_ONE,
    block_scale=BlockScale.DECODE_RECIPROCAL,
    zero_scale=ZeroScale.MULTIPLIER_ZERO,
    reciprocal_overflow=ReciprocalOverflow.INFINITY,
    element_nan=ElementNan.CODE_0,
    source=f"{_RELEASE}include/flashinfer/page.cuh::nvfp4_append_quantize_block",
    evidence="read",
)
KV_FOUR_OVER_SIX = replace(
    KV,
    name="flashinfer-kv-4over6",
    **four_over_six(
        map4_scale=Map4Scale.EXPAND_BEFORE_ROUNDING,
        error_domain=ErrorDomain.INPUT_DECODE,
        reduction=Reduction.FUSED_SEQUENTIAL,
    )
    | {"scale_max": 448},
)
_ROWS: dict[str, TensorScale] = {
    PLAIN.name: TensorScale.CLAMPED,
    PLAIN_DEFAULT.name: TensorScale.ENCODE_OF_PRODUCT,
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
    """Return flashinfer-nvfp4[-row], flashinfer-{mae,mse}-{256,448}[-fast][-row], -default-*, -kv-*."""
    plain = [PLAIN, PLAIN_DEFAULT]
    rows = [
        replace(r, name=f"{r.name}-row", amax_scope=AmaxScope.ROW, tensor_scale=_ROWS[r.name]) for r in plain
    ]
    kv = [KV, KV_FOUR_OVER_SIX]
    return [*plain, *rows, *kv, *_all("flashinfer", {}), *_all("flashinfer-default", _DEFAULT)]
