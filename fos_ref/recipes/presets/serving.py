"""Programs that serve or export NVFP4 with S from a product: auto-round, vLLM's emulation, SGLang online.

Each takes S from a helper of its own; the preset has the helper's S where the caller gives none.
"""

from __future__ import annotations

from dataclasses import replace

from fos_ref.recipes.axes import (
    BlockScale,
    Candidates,
    Dequantize,
    ElementCast,
    ElementNan,
    ElementScaling,
    ErrorDomain,
    ErrorMetric,
    NonFinite,
    ReciprocalOverflow,
    Reduction,
    ScaleFormat,
    ScaleNan,
    TensorScale,
    ZeroScale,
    ZeroSign,
)
from fos_ref.recipes.presets import flashinfer
from fos_ref.recipes.recipe import Recipe

#: Its reciprocal of 0 is 0: in S, in D and in 1/(s*D). Its fake quantizer decodes by q * (1/m); who loads its
#: checkpoints decodes by q * (s*D).
AUTO_ROUND = Recipe(
    name="auto-round-nvfp4",
    tensor_scale=TensorScale.RECIPROCAL_ZERO_SCALES,
    block_scale=BlockScale.RECIPROCAL_THEN_MULTIPLY,
    scale_nan=ScaleNan.CODE_FF,
    zero_scale=ZeroScale.PRODUCT_ZERO,
    reciprocal_overflow=ReciprocalOverflow.INFINITY,
    zero_sign=ZeroSign.NEGATIVE_VALUES,
    dequantize=Dequantize.DECODE_PRODUCT,
    nonfinite=NonFinite.PROPAGATE,
    source="intel/auto-round@0.16.1:auto_round/data_type/nvfp.py::ref_nvfp4_quant",
    evidence="ran",
)

#: Its second version: scales of 8 bits without a sign, and a true division.
AUTO_ROUND_E5M3 = replace(
    AUTO_ROUND,
    name="auto-round-nvfp4-e5m3",
    scale_format=ScaleFormat.E5M3,
    scale_max=114688,
    scale_nan=ScaleNan.CODE_FF,
    element_scaling=ElementScaling.DIVIDE_BY_PRODUCT,
    zero_scale=ZeroScale.DIVISOR_ZERO,
    source="intel/auto-round@0.16.1:auto_round/data_type/nvfp.py::ref_fp4_quant",
    evidence="ran",
)

#: Weights by its optimised rounding, without an importance matrix: 102 scales for each block.
AUTO_ROUND_SEARCH = replace(
    AUTO_ROUND,
    name="auto-round-nvfp4-search",
    candidates=Candidates.FACTORS,
    error_domain=ErrorDomain.RECIPROCALS,
    error_metric=ErrorMetric.MSE,
    reduction=Reduction.TORCH_CPU,
    source="intel/auto-round@0.16.1:auto_round/data_type/nvfp.py::search_nvfp4_scale",
    evidence="ran",
)

#: The path without Triton. Its reciprocal of 0 is 1e-8: codes under a scale of 0 have signs.
VLLM_EMULATION = replace(
    AUTO_ROUND,
    name="vllm-nvfp4-emulation",
    tensor_scale=TensorScale.RECIPROCAL_TIMES_RANGE,
    zero_scale=ZeroScale.PRODUCT_TINY,
    dequantize=Dequantize.DECODE_QUOTIENT,
    source=(
        "vllm-project/vllm@055e47c28003156421365af985d676fc921cb075:"
        "vllm/model_executor/layers/quantization/utils/nvfp4_emulation_utils.py::ref_nvfp4_quant"
    ),
    evidence="read",
)

#: Weights by FlashInfer's strict 4/6 kernel with the scaled error. In its amax an infinity counts as the
#: largest value of the dtype, which no axis states; the scale that it stores for the matrix product is A/C.
SGLANG_ONLINE = replace(
    flashinfer.STRICT,
    name="sglang-nvfp4-online",
    tensor_scale=TensorScale.ENCODE_OF_QUOTIENT,
    scale_max=448,
    error_metric=ErrorMetric.MSE,
    error_domain=ErrorDomain.SCALED,
    zero_scale=ZeroScale.ZERO_BLOCKS,
    reciprocal_overflow=ReciprocalOverflow.MINIMUM_NUMBER,
    zero_sign=ZeroSign.SIGN_BIT,
    nonfinite=NonFinite.DROP_NAN,
    source="sgl-project/sglang@0.5.23:python/sglang/srt/layers/quantization/nvfp4_online.py::(whole file)",
    evidence="read",
)

#: A fake quantizer in Triton: it has values and no codes, and its zeros are all -0. Its `/` is approximate on
#: a GPU (2 ulp); here it is a division.
FP_QUANT = Recipe(
    name="fp-quant-nvfp4",
    tensor_scale=TensorScale.RECIPROCAL_TIMES_RANGE,
    block_scale=BlockScale.MULTIPLY_THEN_DIVIDE,
    element_scaling=ElementScaling.ENCODE_THEN_DIVIDE,
    zero_scale=ZeroScale.NO_SPECIAL_CASE,
    reciprocal_overflow=ReciprocalOverflow.INFINITY,
    element_cast=ElementCast.TIES_TO_SMALLER,
    element_nan=ElementNan.CODE_0,
    zero_sign=ZeroSign.NEGATIVE_VALUES,
    dequantize=Dequantize.ENCODE_DIVIDE,
    nonfinite=NonFinite.DROP_NAN,
    source="IST-DASLab/FP-Quant@0.3.2:fp_quant/module/triton/nvfp4.py::nvfp4_forward_kernel",
    evidence="read",
)


def presets() -> list[Recipe]:
    """Return auto-round-nvfp4[-e5m3,-search], vllm-nvfp4-emulation, sglang-nvfp4-online, fp-quant-nvfp4."""
    return [AUTO_ROUND, AUTO_ROUND_E5M3, AUTO_ROUND_SEARCH, VLLM_EMULATION, SGLANG_ONLINE, FP_QUANT]
