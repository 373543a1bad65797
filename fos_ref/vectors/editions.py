"""What was published when: a file of a version never changes, so what is younger has files of its own.

The first edition is what no other one names. Whoever adds an axis value or a preset puts it into the last
edition here, if that is not published yet, else into a new one.
"""

from __future__ import annotations

from dataclasses import dataclass
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
    ErrorDomain,
    ErrorMetric,
    ReciprocalOverflow,
    ScaleFloor,
    ScaleFormat,
    TensorScale,
    ZeroScale,
    ZeroSign,
)


@dataclass(frozen=True, slots=True)
class Edition:
    """What one edition added, and the files that hold its vectors."""

    values: frozenset[Any]  #: of axes
    varied: tuple[str, ...]  #: presets with these values, which the search of vectors varies, in their order
    presets: frozenset[str]  #: whose bulk files it lists
    values_name: str
    bulk_name: str


SECOND = Edition(
    values=frozenset(
        {
            TensorScale.QUOTIENT,
            TensorScale.DECODE_QUOTIENT_ZERO_IS_ONE,
            TensorScale.DECODE_QUOTIENT_OF_FOUR,
            TensorScale.RECIPROCAL_TIMES_RANGE,
            TensorScale.RECIPROCAL_ZERO_SCALES,
            TensorScale.ENCODE_OF_PRODUCT,
            TensorScale.ENCODE_OF_QUOTIENT,
            BlockScale.DECODE_RECIPROCAL,
            BlockScale.MULTIPLY_THEN_DIVIDE,
            BlockScale.AMAX,
            BlockScale.LOGARITHM,
            BlockScale.LOGARITHM_IN_INPUT_DTYPE,
            ScaleFormat.E8M0_FLOOR,
            ScaleFormat.E8M0_EVEN,
            ScaleFormat.E8M0_CEIL,
            ScaleFormat.E8M0_UP_SATFINITE,
            ScaleFormat.E8M0_UP_WRAPS,
            ScaleFormat.E8M0_NEAREST_LOG2,
            ScaleFloor.ZERO_ALONE_IS_ONE,
            ScaleFloor.TINY_IS_ONE,
            ElementScaling.ENCODE_QUOTIENT,
            ElementScaling.DIVIDE_THEN_ENCODE,
            ElementScaling.ENCODE_THEN_DIVIDE,
            ZeroScale.MULTIPLIER_ZERO,
            ZeroScale.PRODUCT_ZERO,
            ZeroScale.PRODUCT_TINY,
            ZeroScale.SCALE_2_127,
            ZeroScale.SCALE_2_126,
            ReciprocalOverflow.MINIMUM_NUMBER,
            ElementCast.TIES_TO_SMALLER,
            ElementCast.FIRST_NEAREST,
            ElementNan.CODE_8,
            ZeroSign.NOT_POSITIVE,
            Dequantize.AMAX_QUOTIENT,
            Dequantize.ENCODE_DIVIDE,
        }
    ),
    varied=(
        "flashinfer-nvfp4",
        "flashinfer-default-nvfp4",
        "flashinfer-default-nvfp4-row",
        "auto-round-nvfp4",
        "vllm-nvfp4-emulation",
        "sglang-nvfp4-online",
        "fp-quant-nvfp4",
        "mlx-cpu-nvfp4",
        "mlx-cpu-nvfp4-unscaled",
        "mlx-metal-nvfp4",
        "mlx-cuda-nvfp4",
        "flashinfer-kv-nvfp4",
        "flashinfer-kv-4over6",
        "gptqmodel-4over6",
        "ocp-mxfp4",
        "microxcaling-mxfp4-nearest",
        "torchao-mxfp4-even",
        "torchao-mxfp4-ceil",
        "torchao-mxfp4-rceil",
        "compressed-tensors-mxfp4",
        "modelopt-mxfp4",
        "mlx-mxfp4",
        "mlx-metal-mxfp4-nearest",
        "qwix-mxfp4",
        "qwix-nvfp4",
    ),
    presets=frozenset(
        {
            "auto-round-nvfp4",
            "compressed-tensors-mxfp4",
            "flashinfer-default-nvfp4",
            "flashinfer-default-nvfp4-row",
            "flashinfer-kv-4over6",
            "flashinfer-kv-nvfp4",
            "flashinfer-nvfp4",
            "flashinfer-nvfp4-row",
            "fp-quant-nvfp4",
            "gptqmodel-4over6",
            "gptqmodel-4over6-headroom",
            "microxcaling-mxfp4-nearest",
            "mlx-cpu-nvfp4",
            "mlx-cpu-nvfp4-unscaled",
            "mlx-cuda-nvfp4",
            "mlx-metal-mxfp4-nearest",
            "mlx-metal-nvfp4",
            "mlx-mxfp4",
            "modelopt-mxfp4",
            "ocp-mxfp4",
            "qwix-mxfp4",
            "qwix-nvfp4",
            "sglang-nvfp4-online",
            "torchao-mxfp4-ceil",
            "torchao-mxfp4-even",
            "torchao-mxfp4-floor",
            "torchao-mxfp4-rceil",
            "torchao-train-nvfp4",
            "torchao-train-nvfp4-16x16",
            "vllm-nvfp4-emulation",
        }
    ),
    values_name="v1/values.json",
    bulk_name="v1/bulk-later.json",
)
THIRD = Edition(
    values=frozenset(
        {
            ElementFormat.E2M0,
            ElementFormat.E2M3,
            ElementFormat.E3M2,
            ElementFormat.E4M3,
            ElementFormat.E5M2,
            ElementFormat.INT3,
            ElementFormat.INT6,
            ElementFormat.INT8,
            ElementFormat.E2M0_OR_INT3,
            ElementFormat.E2M3_OR_INT6,
            ElementFormat.E3M2_OR_INT6,
            ScaleFormat.E5M3,
            ScaleFormat.E4M3_HALF_UP,
            BlockShape.ROW_8,
            Candidates.LARGEST,
            ZeroScale.DIVISOR_ZERO,
            ElementCast.NEAREST_PRODUCT,
            BlockScale.DECODE_THEN_DIVIDE,
            ElementScaling.DECODE_THEN_DIVIDE,
            ErrorDomain.DECODED,
            ErrorDomain.STRAIGHT_THROUGH,
            ErrorDomain.RECIPROCALS,
            ErrorDomain.UNSCALED,
            ErrorMetric.POWER,
            Candidates.FACTORS,
            Candidates.RANGES,
            Candidates.SCALES,
            ScaleFloor.MIN_SUBNORMAL,
            ZeroScale.PRODUCT_ONE,
            ZeroSign.ALWAYS,
        }
    ),
    varied=(
        "fouroversix-nvfp3",
        "fouroversix-nvint3",
        "fouroversix-nvfp6-e2m3",
        "fouroversix-nvfp6-e3m2",
        "fouroversix-nvint6",
        "fouroversix-if3-mse",
        "fouroversix-if6-e2m3-mse",
        "fouroversix-if6-e3m2-mse",
        "fouroversix-nvfp4-bs8",
        "ocp-mxfp8-e4m3",
        "ocp-mxfp8-e5m2",
        "ocp-mxint8",
        "auto-round-nvfp4-e5m3",
        "ggml-nvfp4",
        "razer-4over6",
        "auto-round-nvfp4-search",
        "llmcompressor-expanded-mse",
        "scale-optimum",
        "fpquant-4over6-mse",
    ),
    presets=frozenset(
        {
            "auto-round-nvfp4-e5m3",
            "fouroversix-if3-absmax",
            "fouroversix-if3-mae",
            "fouroversix-if3-mse",
            "fouroversix-if4-absmax-16x16",
            "fouroversix-if4-absmax-bs8",
            "fouroversix-if4-mae-16x16",
            "fouroversix-if4-mae-bs8",
            "fouroversix-if4-mse-16x16",
            "fouroversix-if4-mse-bs8",
            "fouroversix-if6-e2m3-absmax",
            "fouroversix-if6-e2m3-mae",
            "fouroversix-if6-e2m3-mse",
            "fouroversix-if6-e3m2-absmax",
            "fouroversix-if6-e3m2-mae",
            "fouroversix-if6-e3m2-mse",
            "fouroversix-nvfp3",
            "fouroversix-nvfp4-bs8",
            "fouroversix-nvfp6-e2m3",
            "fouroversix-nvfp6-e3m2",
            "fouroversix-nvint3",
            "fouroversix-nvint6",
            "fpquant-4over6-absmax",
            "fpquant-4over6-mae",
            "fpquant-4over6-mse",
            "ggml-nvfp4",
            "ocp-mxfp6-e2m3",
            "ocp-mxfp6-e3m2",
            "ocp-mxfp8-e4m3",
            "ocp-mxfp8-e5m2",
            "ocp-mxint8",
            "razer-4over6",
            "auto-round-nvfp4-search",
            "llmcompressor-expanded-mse",
            "scale-optimum",
        }
    ),
    values_name="v1/values-3.json",
    bulk_name="v1/bulk-3.json",
)
FOURTH = Edition(
    values=frozenset(
        {
            TensorScale.DECODE_TWO_QUOTIENTS,
            TensorScale.DECODE_TWO_QUOTIENTS_SHORT,
            ScaleFloor.ZERO_CODE_IS_ONE,
        }
    ),
    varied=("quartet2-simulator-nvfp4", "quartet2-simulator-nvfp4-16x16"),
    presets=frozenset({"quartet2-simulator-nvfp4", "quartet2-simulator-nvfp4-16x16"}),
    values_name="v1/values-4.json",
    bulk_name="v1/bulk-4.json",
)
LATER = (SECOND, THIRD, FOURTH)  #: the editions after the first, in their order
YOUNGER = frozenset(name for e in LATER for name in e.presets)  #: presets that are not of the first edition


def edition_of(value: Any) -> int:
    """Return the number of the edition that added an axis value, from 1 on."""
    return next((n for n, e in enumerate(LATER, 2) if value in e.values), 1)
