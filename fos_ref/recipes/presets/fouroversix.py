"""The 4/6 authors' PyTorch reference, run on a CPU."""

from __future__ import annotations

from dataclasses import replace

from fos_ref.recipes.axes import (
    BlockShape,
    Candidates,
    ElementCast,
    ElementNan,
    ErrorDomain,
    ErrorMetric,
    Map4Scale,
    NonFinite,
    ReciprocalOverflow,
    Reduction,
    ScaleNan,
    TensorScale,
    Tie,
    ZeroSign,
)
from fos_ref.recipes.recipe import Recipe

STATIC_6 = Recipe(
    name="fouroversix-static6",
    tensor_scale=TensorScale.ZERO_SCALES,
    scale_nan=ScaleNan.CODE_FF,
    reciprocal_overflow=ReciprocalOverflow.INFINITY,
    element_cast=ElementCast.UNSATURATED,
    element_nan=ElementNan.WRAPS,
    zero_sign=ZeroSign.NEGATIVE_VALUES,
    nonfinite=NonFinite.PROPAGATE,
    source=(
        "mit-han-lab/fouroversix@dadfad6901d473a734fe71e0b082e70ee993e23a:"
        "src/fouroversix/quantize/pytorch/reference.py::quantize"
    ),
    evidence="ran",
)

MSE = replace(
    STATIC_6,
    name="fouroversix-mse",
    candidates=Candidates.FOUR_OVER_SIX,
    scale_max=256,
    map4_scale=Map4Scale.EXPAND_BEFORE_ROUNDING,
    error_domain=ErrorDomain.INPUT_AMAX,
    error_metric=ErrorMetric.MSE,
    reduction=Reduction.TORCH_CPU,
    tie=Tie.SIX,
)


def presets() -> list[Recipe]:
    """Return fouroversix-{mse,mae,absmax,static6,static4}, each 1x16 and 16x16."""
    rows = [
        MSE,
        replace(MSE, name="fouroversix-mae", error_metric=ErrorMetric.MAE),
        replace(MSE, name="fouroversix-absmax", error_metric=ErrorMetric.ABS_MAX, reduction=None),
        STATIC_6,
        replace(STATIC_6, name="fouroversix-static4", candidates=Candidates.FOUR),
    ]
    tiles = [replace(r, name=f"{r.name}-16x16", block_shape=BlockShape.TILE_16X16) for r in rows]
    return rows + tiles
