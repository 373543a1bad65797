"""compressed-tensors' NVFP4, and llm-compressor's observers on top of it: they choose scales.

The 4/6 observer is a commit that was never released as such. In the releases, 0.14.0.1 the newest, the name
`fouroversix` is a second name of nvfp4_expanded_mse, a search for ranges.
"""

from __future__ import annotations

from dataclasses import replace

from fos_ref.recipes.axes import (
    BlockScale,
    Candidates,
    Dequantize,
    ElementNan,
    ElementScaling,
    ErrorDomain,
    ErrorMetric,
    Map4Scale,
    NonFinite,
    Reduction,
    ScaleFloor,
    ScaleNan,
    TensorScale,
    ZeroScale,
    ZeroSign,
)
from fos_ref.recipes.presets.choice import four_over_six, METRICS
from fos_ref.recipes.recipe import Recipe

PLAIN = Recipe(
    name="compressed-tensors-nvfp4",
    tensor_scale=TensorScale.RECIPROCAL_IN_INPUT_DTYPE,
    block_scale=BlockScale.DIVIDE_IN_INPUT_DTYPE,
    scale_floor=ScaleFloor.ZERO_IS_EIGHTH,
    scale_nan=ScaleNan.CODE_FF,
    element_scaling=ElementScaling.DIVIDE_BY_QUOTIENT,
    zero_scale=ZeroScale.NO_SPECIAL_CASE,
    element_nan=ElementNan.CODE_0,
    zero_sign=ZeroSign.NEGATIVE_VALUES,
    dequantize=Dequantize.DECODE_QUOTIENT,
    nonfinite=NonFinite.PROPAGATE,
    source=(
        "vllm-project/compressed-tensors@ac8e2ba82f4e0d5eaa40069f8fc642738f124cd4:"
        "src/compressed_tensors/quantization/utils/helpers.py::calculate_qparams (on a CPU)"
    ),
    evidence="ran",
)

#: The released observer. torch's power on a CPU is within 1 ulp; here it is rounded once.
EXPANDED = replace(
    PLAIN,
    name="llmcompressor-expanded-mse",
    candidates=Candidates.RANGES,
    error_domain=ErrorDomain.UNSCALED,
    error_metric=ErrorMetric.POWER,
    reduction=Reduction.TORCH_CPU,
    source="vllm-project/llm-compressor@0.14.0.1:src/llmcompressor/observers/mse.py::NVFP4ExpandedMSEObserver",
    evidence="ran",
)

#: Of a commit that is in no release.
FOUR_OVER_SIX = replace(
    PLAIN,
    name="llmcompressor-4over6-mse",
    **four_over_six(
        map4_scale=Map4Scale.EXPAND_AFTER_ROUNDING,
        error_domain=ErrorDomain.INPUT_QUOTIENT,
        reduction=Reduction.TORCH_CPU,
    ),
    source=(
        "vllm-project/llm-compressor@103013c6eda77fd9d2a2f80614ccee20fad744bf:"
        "src/llmcompressor/observers/fouroversix.py::FourOverSixObserver"
    ),
    evidence="read",
)


def presets() -> list[Recipe]:
    """Return compressed-tensors-nvfp4, llmcompressor-expanded-mse and the three llmcompressor-4over6-*."""
    return [
        PLAIN,
        EXPANDED,
        *(replace(FOUR_OVER_SIX, **axes, name=f"llmcompressor-4over6-{m}") for m, axes in METRICS.items()),
    ]
