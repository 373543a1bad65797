"""The package's own recipes: plain NVFP4 and a clean statement of the published 4/6 method."""

from __future__ import annotations

from dataclasses import replace

from fos_ref.recipes.axes import (
    BlockShape,
    Candidates,
    ErrorDomain,
    ErrorMetric,
    Map4Scale,
    Reduction,
)
from fos_ref.recipes.presets.choice import four_over_six, METRICS
from fos_ref.recipes.recipe import Recipe

NVFP4 = Recipe(
    name="nvfp4",
    source="NVIDIA, Pretraining Large Language Models with NVFP4, arXiv 2509.25149, appendix on quantization",
)

FOUR_OVER_SIX = Recipe(
    name="4over6",
    **four_over_six(
        map4_scale=Map4Scale.EXPAND_BEFORE_ROUNDING,
        error_domain=ErrorDomain.INPUT_AMAX,
        reduction=Reduction.SEQUENTIAL,
    ),
    source="Four Over Six, arXiv 2512.02010, equations 1-3; this package fixes orders and specials",
)


#: No quantizer under this tensor scale has a smaller error, but for the roundings of the error itself: every
#: block takes the best of all scales.
OPTIMUM = replace(
    NVFP4,
    name="scale-optimum",
    candidates=Candidates.SCALES,
    error_domain=ErrorDomain.INPUT_AMAX,
    error_metric=ErrorMetric.MSE,
    reduction=Reduction.SEQUENTIAL,
    source="this package: the line that a choice between two scales is measured against",
)


def presets() -> list[Recipe]:
    """Return nvfp4, 4over6 in its three metrics, 1x16 and 16x16, and scale-optimum."""
    others = ("mae", "absmax")
    rows = [FOUR_OVER_SIX, *(replace(FOUR_OVER_SIX, **METRICS[m], name=f"4over6-{m}") for m in others)]
    tiles = [replace(r, name=f"{r.name}-16x16", block_shape=BlockShape.TILE_16X16) for r in rows]
    return [NVFP4, *rows, *tiles, OPTIMUM]


#: Second names of a preset. The operands of training that are rounded to nearest have the bits of plain
#: ones. te-train-gradient is the form whose bits TransformerEngine's source states: cvt.rs is not.
ALIASES = {
    "4over6-mse": "4over6",
    "4over6-mse-16x16": "4over6-16x16",
    "te-train-input": "te-cuda-nvfp4",
    "te-train-weight": "te-cuda-nvfp4-16x16",
    "te-train-gradient": "te-train-gradient-software",
    "torchao-train-input": "torchao-train-nvfp4",
    "torchao-train-weight": "torchao-train-nvfp4-16x16",
}
