"""Find the blocks whose bytes depend on the chip, because its reciprocals are approximate.

rcp.approx.ftz.f32 is within 1 ulp of the true reciprocal, and which value it gives depends on the chip. So a
recipe with Reciprocal.APPROXIMATE is computed for every combination of -1, 0 and +1 ulp on its reciprocals.
If a block has the same bytes in all of them, arithmetic alone decides it. Otherwise the hardware does.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from fos_ref.engines.inputs import as_numpy, check_shape
from fos_ref.errors import RecipeError, ShapeError
from fos_ref.formats.arrays import Bool, F32
from fos_ref.formats.bits import widen
from fos_ref.formats.environment import check_float_environment
from fos_ref.model.quantize import quantize_matrix, tensor_amax, tensor_scales
from fos_ref.model.rounding import moved
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import Reciprocal, TensorScale
from fos_ref.recipes.catalog import recipe as get_recipe
from fos_ref.recipes.recipe import Recipe

ULPS = (-1, 0, 1)


def hardware_decides(x: Any, r: Recipe | str) -> Bool:
    """Return a mask of the blocks whose bytes depend on the chip's reciprocals.

    Shapes:   x (R, C), C a multiple of 16 -> bool (R, C/16)
    Dtypes:   as for `quantize`
    Specials: subnormals are kept. A kernel that flushes them (FTZ) may also differ on blocks below 2^-126.
    Raises:   RecipeError for a recipe whose reciprocals are exact: there is nothing to decide; ShapeError;
              DtypeError.
    Spec:     docs/numerics.md N8, `reciprocal`.
    """
    r, array = get_recipe(r), as_numpy(x)
    check_shape(array.shape, r.block_rows, r.block_cols)
    if array.ndim != 2:  # noqa: PLR2004 -- rows and columns
        msg = f"hardware_decides: x of shape {array.shape}: 2 dimensions are allowed"
        raise ShapeError(msg)
    if r.reciprocal is not Reciprocal.APPROXIMATE:
        msg = f"recipe {r.name!r} rounds its reciprocals exactly: an approximate one is allowed"
        raise RecipeError(msg)
    check_float_environment()
    matrix = widen(array)
    scales = tensor_scales(tensor_amax(matrix, r), r, array.dtype)
    undecided: Bool = np.zeros((array.shape[0], array.shape[1] // r.block_cols), dtype=np.bool_)
    reference = quantize_matrix(matrix, scales, r)
    for ulps in product(ULPS, ULPS, ULPS):
        t = quantize_matrix(matrix, _approximate(scales, ulps, r), r)
        codes = (t.codes != reference.codes).reshape(*undecided.shape, r.block_cols)
        undecided |= codes.any(axis=-1) | (t.block_scales != reference.block_scales)
    return undecided


def _approximate(t: Scales, ulps: tuple[int, int, int], r: Recipe) -> Scales:
    """Return the tensor scales with the offsets of the reciprocals; D itself is one where S is supplied."""
    decode: F32 = t.decode
    if r.tensor_scale is not TensorScale.DECODE_RECIPROCALS:
        decode = moved(t.decode, ulps[1])
    return replace(t, decode=decode, ulps=ulps)
