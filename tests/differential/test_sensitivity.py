"""The peers' suite can fail: one axis of a preset turned, and its own inputs show it.

No peer is needed here, but the inputs are those of the peers' suite, so it runs with that suite.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import fos_ref
from fos_ref.recipes import Recipe
from fos_ref.recipes.axes import (
    AmaxScope,
    BlockScale,
    Candidates,
    ElementCast,
    ElementNan,
    ElementScaling,
    ErrorDomain,
    ErrorMetric,
    ReciprocalOverflow,
    Reduction,
    ScaleFloor,
    ScaleNan,
    TensorScale,
    Tie,
    ZeroScale,
    ZeroSign,
)

from . import edges
from .cases import cases
from .mismatch import differing

pytestmark = pytest.mark.peer

SATURATED = {"element_cast": ElementCast.SATURATE, "element_nan": ElementNan.CODE_7}
WRAPPED = {"element_cast": ElementCast.UNSATURATED, "element_nan": ElementNan.WRAPS}

#: Preset, and the axes turned; seen on the main families.
ON_FAMILIES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("te-nvfp4", {"block_scale": BlockScale.DIVIDE_THEN_MULTIPLY}),
    ("te-mse-256", {"block_scale": BlockScale.FOLDED_RECIPROCAL}),
    ("te-mse-256", {"reduction": Reduction.TORCH_CPU}),
    ("te-mse-256", {"error_domain": ErrorDomain.INPUT_DECODE}),
    ("te-mse-256", {"error_domain": ErrorDomain.SCALED}),
    ("te-mse-256", {"error_metric": ErrorMetric.MAE}),
    ("te-mse-256", {"tie": Tie.FOUR}),
    ("te-mse-256", {"zero_sign": ZeroSign.SIGN_BIT}),
    ("te-mse-256", {"zero_scale": ZeroScale.ZERO_CODES}),
    ("te-mse-256", {"scale_max": 448}),
    ("te-mse-256", {"amax_scope": AmaxScope.ROW}),
    ("te-mse-256", WRAPPED),
    ("te-mae-448-fast", {"reduction": Reduction.TORCH_CPU}),
    ("te-mae-448-fast", {"error_domain": ErrorDomain.INPUT_AMAX}),
    ("te-mae-256-16x16", {"reduction": Reduction.TORCH_CPU}),
    ("te-mae-256-16x16", {"tie": Tie.FOUR}),
    ("fouroversix-mse", {"reduction": Reduction.SEQUENTIAL}),
    ("fouroversix-mse", {"zero_scale": ZeroScale.NO_SPECIAL_CASE}),
    ("fouroversix-mse", SATURATED),
    ("fouroversix-absmax", {"tie": Tie.FOUR}),
    ("fouroversix-absmax", {"error_domain": ErrorDomain.SCALED}),
    ("fouroversix-static6", SATURATED),
    ("fouroversix-mse-16x16", {"reduction": Reduction.SEQUENTIAL}),
    ("fouroversix-mse-16x16", SATURATED),
    ("fouroversix-if4-mse", {"reduction": Reduction.SEQUENTIAL}),
    ("fouroversix-if4-mse", {"error_domain": ErrorDomain.INPUT_DECODE}),
    ("fouroversix-if4-mae", {"error_metric": ErrorMetric.MSE}),
    ("fouroversix-if4-absmax", {"tie": Tie.FOUR}),
    ("fouroversix-nvint4", {"block_scale": BlockScale.FOLDED_RECIPROCAL}),
    ("fouroversix-nvint4", {"element_scaling": ElementScaling.DIVIDE_BY_PRODUCT}),
    ("fouroversix-mxfp4-static6", {"zero_scale": ZeroScale.NO_SPECIAL_CASE}),
    ("fouroversix-mxfp4-static6", {"zero_sign": ZeroSign.SIGN_BIT}),
    ("fouroversix-mxfp4-static4", {"candidates": Candidates.SIX}),
    ("torchao-nvfp4", {"block_scale": BlockScale.DIVIDE_THEN_MULTIPLY}),
    ("torchao-nvfp4", {"block_scale": BlockScale.DIVIDE_BY_DECODE}),
    ("torchao-nvfp4", {"scale_floor": ScaleFloor.NONE}),
    ("torchao-nvfp4", {"element_scaling": ElementScaling.RECIPROCAL_OF_PRODUCT}),
    ("torchao-nvfp4", {"zero_sign": ZeroSign.NEGATIVE_VALUES}),
    ("modelopt-nvfp4", {"block_scale": BlockScale.DIVIDE_THEN_DIVIDE}),
    ("modelopt-nvfp4", {"scale_floor": ScaleFloor.NONE}),
    ("modelopt-nvfp4", {"element_scaling": ElementScaling.RECIPROCAL_OF_PRODUCT}),
    ("modelopt-nvfp4", {"zero_sign": ZeroSign.SIGN_BIT}),
    ("compressed-tensors-nvfp4", {"tensor_scale": TensorScale.CLAMPED}),
    ("compressed-tensors-nvfp4", {"block_scale": BlockScale.DIVIDE_THEN_MULTIPLY}),
    ("compressed-tensors-nvfp4", {"scale_floor": ScaleFloor.NONE}),
    ("compressed-tensors-nvfp4", {"element_scaling": ElementScaling.DIVIDE_BY_PRODUCT}),
    ("compressed-tensors-nvfp4", {"zero_sign": ZeroSign.NEVER}),
    ("flashinfer-mse-256", {"error_domain": ErrorDomain.INPUT_AMAX}),
    ("flashinfer-mae-448-row", {"error_domain": ErrorDomain.INPUT_DECODE}),
)
#: The same on the ends of float32 and the caller's amaxes.
ON_EDGES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("te-mse-256", {"reciprocal_overflow": ReciprocalOverflow.INFINITY}),
    ("te-mse-256", {"tensor_scale": TensorScale.ZERO_SCALES}),
    ("te-mse-256", {"element_nan": ElementNan.CODE_7}),
    ("fouroversix-mse", {"tensor_scale": TensorScale.CLAMPED}),
    ("fouroversix-mse", {"reciprocal_overflow": ReciprocalOverflow.CLAMP_TO_MAX}),
    ("fouroversix-mse", {"scale_nan": ScaleNan.CODE_7F}),
    ("torchao-nvfp4", {"scale_nan": ScaleNan.CODE_7F}),
    ("torchao-nvfp4", {"element_nan": ElementNan.CODE_7}),
    ("modelopt-nvfp4", {"scale_nan": ScaleNan.CODE_7F}),
    ("compressed-tensors-nvfp4", {"element_nan": ElementNan.CODE_7}),
)


def named(table: tuple[tuple[str, dict[str, Any]], ...]) -> list[Any]:
    def text(axes: dict[str, Any]) -> str:
        return ",".join(f"{k}={getattr(v, 'value', v)}" for k, v in axes.items())

    return [pytest.param(preset, axes, id=f"{preset}:{text(axes)}") for preset, axes in table]


def family_inputs(recipe: Recipe) -> Iterator[tuple[np.ndarray, Any]]:
    yield from ((case.x, None) for case in cases(recipe))


def edge_inputs(recipe: Recipe) -> Iterator[tuple[np.ndarray, Any]]:
    yield from ((x, None) for x in (*edges.finite_edges().values(), *edges.nonfinite_edges().values()))
    x = edges.families("float32")
    yield from ((x, edges.for_recipe(amax, recipe, x)) for amax in edges.AMAXES)


def differ(preset: str, axes: dict[str, Any], inputs: Any) -> bool:
    """Return whether some byte differs between the preset and its mutant on some input."""
    recipe = fos_ref.recipe(preset)
    mutant = replace(recipe, **axes)
    for x, amax in inputs(recipe):
        ours, turned = (fos_ref.quantize(x, r, amax=amax, engine="numpy") for r in (recipe, mutant))
        if any(differing(ours, turned).values()):
            return True
    return False


@pytest.mark.parametrize(("preset", "axes"), named(ON_FAMILIES))
def test_a_turned_axis_shows_on_the_families(preset: str, axes: dict[str, Any]) -> None:
    assert differ(preset, axes, family_inputs)


@pytest.mark.parametrize(("preset", "axes"), named(ON_EDGES))
def test_a_turned_axis_shows_at_the_ends(preset: str, axes: dict[str, Any]) -> None:
    assert differ(preset, axes, edge_inputs)
