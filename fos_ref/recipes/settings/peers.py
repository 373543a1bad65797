"""The settings of the programs that have any, with where they were read."""

from __future__ import annotations

from typing import Any

from fos_ref.recipes.axes import (
    AmaxScope,
    BlockShape,
    Candidates,
    ElementFormat,
    ErrorDomain,
    ErrorMetric,
    NonFinite,
    Reciprocal,
    ScaleFormat,
    TensorScale,
)
from fos_ref.recipes.recipe import Recipe
from fos_ref.recipes.settings.program import Program, Setting

_SIX, _CHOICE = {"candidates": Candidates.SIX}, {"candidates": Candidates.FOUR_OVER_SIX}
_MAE, _MSE = {"error_metric": ErrorMetric.MAE}, {"error_metric": ErrorMetric.MSE}
_256, _448 = {"scale_max": 256}, {"scale_max": 448}
_INPUT, _SCALED = {"error_domain": ErrorDomain.INPUT_AMAX}, {"error_domain": ErrorDomain.SCALED}
_TENSOR, _ROW = {"amax_scope": AmaxScope.TENSOR}, {"amax_scope": AmaxScope.ROW}
_LINE, _TILE = {"block_shape": BlockShape.ROW_16}, {"block_shape": BlockShape.TILE_16X16}

TE_KERNELS = Program(
    name="TransformerEngine",
    how="environment variables; NVFP4BlockScaling has arguments of like names",
    source="transformer-engine 2.20.2, transformer_engine/common/recipe/__init__.py::NVFP4BlockScaling",
    presets_from="transformer_engine/common/cast/nvfp4/",
    settings=(
        Setting(name="NVTE_NVFP4_4OVER6", values={"none": _SIX, "all": _CHOICE}),
        Setting(name="NVTE_NVFP4_4OVER6_ERR_MODE", values={"MAE": _MAE, "MSE": _MSE}, choosing=True),
        Setting(name="NVTE_NVFP4_4OVER6_E4M3_USE_256", values={"all": _256, "none": _448}, choosing=True),
        Setting(
            name="NVTE_NVFP4_4OVER6_ERR_USE_FAST_MATH", values={"0": _INPUT, "1": _SCALED}, choosing=True
        ),
        Setting(
            name="NVTE_NVFP4_ROW_SCALED_ACTIVATION", values={"0": _TENSOR, "1": _ROW}, about="activations"
        ),
        Setting(name="NVTE_NVFP4_DISABLE_2D_QUANTIZATION", values={"1": _LINE, "0": _TILE}, about="weights"),
    ),
)
TE_REFERENCE = Program(
    name="TransformerEngine's reference",
    how="arguments of NVFP4QuantizerRef",
    source=(
        "transformer-engine 2.20.2, "
        "transformer_engine/pytorch/custom_recipes/reference_nvfp4.py::NVFP4QuantizerRef.__init__"
    ),
    presets_from="custom_recipes/reference_nvfp4.py::NVFP4QuantizerRef",
    settings=(
        Setting(name="nvfp4_use_4over6", values={"False": _SIX, "True": _CHOICE}),
        Setting(name="nvfp4_4over6_err_mode", values={"MAE": _MAE, "MSE": _MSE}, choosing=True),
        Setting(name="nvfp4_e4m3_max", values={"256": _256, "448": _448}, choosing=True),
        Setting(
            name="nvfp4_4over6_err_use_fast_math", values={"False": _INPUT, "True": _SCALED}, choosing=True
        ),
        Setting(name="row_scaled_nvfp4", values={"False": _TENSOR, "True": _ROW}),
        Setting(name="quant_tile_shape", values={"(1, 16)": _LINE, "(16, 16)": _TILE}),
    ),
)
FLASHINFER = Program(
    name="FlashInfer",
    how="environment variables (from 0.7.4 also nvfp4_4over6=); per_token_activation is an argument",
    source=(
        "flashinfer-ai/flashinfer@fb28d7242b3506a2348265962041acc1fb56cca4, "
        "flashinfer/quantization/nvfp4_quantization_utils.py::current_nvfp4_4over6_config"
    ),
    presets_from="flashinfer-ai/flashinfer@",
    but_from="page.cuh",
    settings=(
        Setting(name="FLASHINFER_NVFP4_4OVER6", values={"0": _SIX, "1": _CHOICE}),
        Setting(name="FLASHINFER_NVFP4_4OVER6_ERR_MODE", values={"MAE": _MAE, "MSE": _MSE}, choosing=True),
        Setting(name="FLASHINFER_NVFP4_4OVER6_E4M3_USE_256", values={"0": _448, "1": _256}, choosing=True),
        Setting(
            name="FLASHINFER_NVFP4_4OVER6_ERR_USE_FAST_MATH",
            values={
                "0": {"error_domain": (ErrorDomain.INPUT_DECODE, ErrorDomain.INPUT_AMAX)},
                "1": _SCALED,
            },
            choosing=True,
        ),
        Setting(
            name="FLASHINFER_DISABLE_FP4_QUANT_FAST_MATH",
            values={"0": {"reciprocal": Reciprocal.APPROXIMATE}, "1": {"reciprocal": Reciprocal.EXACT}},
        ),
        Setting(name="per_token_activation", values={"False": _TENSOR, "True": _ROW}),
    ),
)
_RULES = (Candidates.FOUR_OVER_SIX, Candidates.FLOAT_OR_INT)
_ROWS = (BlockShape.ROW_16, BlockShape.ROW_8, BlockShape.ROW_32)
_OF_16: dict[str, Any] = {"block_shape": (BlockShape.ROW_16, BlockShape.TILE_16X16)}
_OF_8: dict[str, Any] = {"block_shape": BlockShape.ROW_8}
FOUROVERSIX = Program(
    name="fouroversix",
    how="arguments of QuantizationConfig",
    source="fouroversix 1.0.5, src/fouroversix/utils.py and quantize/backend.py",
    presets_from="mit-han-lab/fouroversix@",
    settings=(
        Setting(
            name="backend",
            values={
                "pytorch": {"nonfinite": NonFinite.PROPAGATE},
                "triton": {"nonfinite": NonFinite.DROP_NAN, "tensor_scale": TensorScale.ZERO_SCALES},
                "cuda": {"tensor_scale": TensorScale.QUOTIENT_ZERO_IS_ONE},
            },
        ),
        Setting(
            name="dtype",
            values={
                "nvfp4": {"element_format": ElementFormat.E2M1, "scale_format": ScaleFormat.E4M3, **_OF_16},
                "nvfp4_bs8": {"element_format": ElementFormat.E2M1, **_OF_8},
                "if4": {"element_format": ElementFormat.E2M1_OR_INT4, **_OF_16},
                "if4_bs8": {"element_format": ElementFormat.E2M1_OR_INT4, **_OF_8},
                "nvint4": {"element_format": ElementFormat.INT4},
                "nvfp3": {"element_format": ElementFormat.E2M0},
                "nvint3": {"element_format": ElementFormat.INT3},
                "nvint6": {"element_format": ElementFormat.INT6},
                "nvfp6_e2m3": {"element_format": ElementFormat.E2M3},
                "nvfp6_e3m2": {"element_format": ElementFormat.E3M2},
                "if3": {"element_format": ElementFormat.E2M0_OR_INT3},
                "if6_e2m3": {"element_format": ElementFormat.E2M3_OR_INT6},
                "if6_e3m2": {"element_format": ElementFormat.E3M2_OR_INT6},
                "mxfp4": {"scale_format": ScaleFormat.E8M0_UP},
            },
        ),
        Setting(
            name="scale_rule",
            values={
                "mse": {"candidates": _RULES, "error_metric": ErrorMetric.MSE},
                "mae": {"candidates": _RULES, "error_metric": ErrorMetric.MAE},
                "abs_max": {"candidates": _RULES, "error_metric": ErrorMetric.ABS_MAX},
                "static_6": {"candidates": (Candidates.SIX, Candidates.SEVEN, Candidates.LARGEST)},
                "static_4": {"candidates": Candidates.FOUR},
            },
        ),
        Setting(
            name="block_scale_2d",
            values={"False": {"block_shape": _ROWS}, "True": _TILE},
        ),
    ),
)
TORCHAO = Program(
    name="torchao's 4/6 prototype",
    how="arguments of four_over_six_quantize",
    source=(
        "pytorch/ao@a426998d362124b0a9efb13f67d1035fc27e5c82, "
        "torchao/prototype/moe_training/nvfp4_training/four_over_six.py::four_over_six_quantize"
    ),
    presets_from="nvfp4_training/four_over_six.py",
    settings=(
        Setting(name="err_mode", values={"mae": _MAE, "mse": _MSE}),
        Setting(name="e4m3_scale_bound", values={"256": _256, "448": _448}),
        Setting(name="block", values={"1x16": _LINE, "16x16": _TILE}),
    ),
)
PROGRAMS = (TE_KERNELS, TE_REFERENCE, FLASHINFER, FOUROVERSIX, TORCHAO)


def program_of(r: Recipe) -> Program | None:
    """Return the program that a recipe was read from; None where it has no settings that are known here."""
    return next((p for p in PROGRAMS if p.makes(r)), None)
