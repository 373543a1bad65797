"""Kernels to try: the model under a recipe with one axis changed, and ways to answer wrongly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import fos_ref
from fos_ref.recipes.axes import ElementCast, ErrorMetric, ScaleFloor, Tie, ZeroScale

RECIPE = fos_ref.recipe("te-mse-256")
Answer = tuple[np.ndarray, np.ndarray]


def kernel(**changes: Any) -> Callable[[np.ndarray], Answer]:
    """Return a quantizer of te-mse-256 with some axes changed."""
    r = replace(RECIPE, name="changed", **changes)

    def f(x: np.ndarray) -> Answer:
        q = fos_ref.quantize(x, r, engine="numpy")
        return q.codes, q.block_scales

    return f


#: What is changed, the flag that has to be named, and groups that show it.
MISTAKES: dict[str, tuple[dict[str, Any], str, tuple[str, ...]]] = {
    "tie": ({"tie": Tie.FOUR}, "TieRule", ("ties", "zeros")),
    "metric": ({"error_metric": ErrorMetric.MAE}, "MetricMae", ("near-ties",)),
    "ties-away": ({"element_cast": ElementCast.TIES_AWAY}, "E2m1TiesAway", ("midpoints", "tensors")),
    "zero-scale": ({"zero_scale": ZeroScale.ZERO_CODES}, "ZeroScalePolicy", ("scale-extremes",)),
    "bound": ({"scale_max": 448}, "Bound", ("worked", "tensors")),
    "floor": ({"scale_floor": ScaleFloor.MIN_NORMAL}, "ScaleSubnormalFlush", ("scale-extremes",)),
}
GOLDEN = Path(__file__).parents[2] / "golden"  #: its flags are read, which takes less time than to find them
SMALL: dict[str, Any] = {
    "shapes": ((16, 64), (33, 32)),
    "examples": 4,
    "dtypes": ("float32",),
    "golden": GOLDEN,
    "diagnose": 1,
}
