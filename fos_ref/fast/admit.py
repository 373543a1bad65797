"""May the filter decide for this recipe and these tensor scales? Its bound assumes what is asked here."""

from __future__ import annotations

import numpy as np

from fos_ref.formats.arrays import F32
from fos_ref.recipes.axes import (
    BlockShape,
    ElementCast,
    ElementFormat,
    ErrorDomain,
    Reduction,
    ScaleFormat,
    TensorScale,
    ZeroSign,
)
from fos_ref.recipes.recipe import Recipe

SMALLEST, LARGEST = 2.0**-50, 2.0**40  #: of D: no square underflows past the bound, none overflows
TOLERANCE = 4 * 2.0**-24


def filter_holds(r: Recipe, scales: list[F32]) -> bool:
    """Return whether the fast path gives the recipe's bits for regular blocks under scales (A, S, D).

    The recipe has to round E2M1 elements to nearest even under E4M3 scales, in blocks of 16 or 16x16. A
    choice has to compare errors of its own codes, with D, 1/S and A/C equal but for roundings.
    """
    plain = (
        r.element_format is ElementFormat.E2M1
        and r.scale_format is ScaleFormat.E4M3
        and r.block_shape is not BlockShape.ROW_32
        and r.element_cast is not ElementCast.TIES_AWAY
        and r.zero_sign is not ZeroSign.NEVER
    )
    if not plain or not r.chooses:
        return plain
    known = r.error_domain is not ErrorDomain.TRIAL and r.tensor_scale is not TensorScale.NONE
    orders = (Reduction.HALVES, Reduction.FUSED_EVEN_ODD)
    tiled = r.block_shape is BlockShape.TILE_16X16 and r.reduction in orders
    return known and not tiled and _consistent(scales, r.range_max)


def _consistent(scales: list[F32], range_max: int) -> bool:
    """Return whether D is of a size whose squares are normal, and agrees with 1/S and A/C."""
    amax, encode, decode = (v.astype(np.float64) for v in scales)
    with np.errstate(all="ignore"):
        same = (np.abs(decode * encode - 1) <= TOLERANCE) & (
            np.abs(amax / range_max / decode - 1) <= TOLERANCE
        )
    return bool(np.all(same & (decode >= SMALLEST) & (decode <= LARGEST)))
