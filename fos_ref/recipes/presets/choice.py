"""What the presets that choose have in common: the axes of a choice, and its three metrics."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from fos_ref.recipes.axes import Candidates, ErrorDomain, ErrorMetric, Map4Scale, Reduction, Tie


def four_over_six(
    *, map4_scale: Map4Scale, error_domain: ErrorDomain, reduction: Reduction
) -> dict[str, Any]:
    """Return the axes of a choice between 6 and 4: squared error, bound 256, six on a tie.

    What implementations differ in has no default: the map-to-4 scale, where the error is measured, its order.
    """
    return {
        "candidates": Candidates.FOUR_OVER_SIX,
        "scale_max": 256,
        "map4_scale": map4_scale,
        "error_domain": error_domain,
        "error_metric": ErrorMetric.MSE,
        "reduction": reduction,
        "tie": Tie.SIX,
    }


#: Metric by its name in a preset's name -> what it changes of a choice by MSE. A maximum has no order.
METRICS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "mse": {},
        "mae": {"error_metric": ErrorMetric.MAE},
        "absmax": {"error_metric": ErrorMetric.ABS_MAX, "reduction": None},
    }
)
