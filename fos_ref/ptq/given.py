"""What GPTQ takes: a weight, the sum of its inputs' products, a recipe without random bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from fos_ref.engines.inputs import as_numpy
from fos_ref.errors import DtypeError, InputError, RecipeError, ShapeError
from fos_ref.foreign import shown
from fos_ref.formats.arrays import AnyArray, F32, F64
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.hosted import Door, on_host

_MATRIX = 2
HESSIAN = Door(
    kinds="an array",
    dtypes=("float32", "float64"),
    allowed="float32 or float64 is allowed",
    error=DtypeError,
)


def check_walk(r: Recipe, choice: str, order: str) -> None:
    """Raise for a recipe whose scales need random bits, and for blocks that begin nowhere in the order."""
    if (choice, order) == ("as-each-block-begins", "by-diagonal"):
        msg = f"choice {choice} with order {order}: a block begins where columns go as they lie"
        raise InputError(msg)
    if r.stochastic or r.corrects:
        msg = f"recipe {r.name!r} needs random bits: a recipe that rounds to nearest is allowed"
        raise RecipeError(msg)


def check_weight(w: Any, r: Recipe) -> F32:
    """Return a float32 matrix of whole blocks, finite."""
    array = as_numpy(w, "w")
    if array.ndim != _MATRIX or not array.size or array.shape[0] % r.block_rows or array.shape[1] % r.group:
        msg = f"w of shape {array.shape}: a matrix of whole blocks, {r.block_rows}x{r.group}, is allowed"
        raise ShapeError(msg)
    if array.dtype != np.float32:
        msg = f"w: dtype {array.dtype}: float32 is allowed, GPTQ works in it"
        raise DtypeError(msg)
    if not np.isfinite(array).all():
        msg = "w has a NaN or an infinity: finite values are allowed"
        raise InputError(msg)
    matrix: F32 = array
    return matrix


def check_hessian(h: Any, columns: int) -> F64:
    """Return the sum of x x^T as float64: (K, K), finite, equal to its transpose, no negative diagonal."""
    array: AnyArray = on_host(h, "hessian", HESSIAN)
    if array.shape != (columns, columns):
        msg = f"hessian of shape {array.shape}: ({columns}, {columns}), as w has columns, is allowed"
        raise ShapeError(msg)
    if not np.isfinite(array).all() or np.any(np.diagonal(array) < 0) or not np.array_equal(array, array.T):
        msg = f"hessian {shown(array)}: finite values, symmetric, with no negative diagonal, are allowed"
        raise InputError(msg)
    wide: F64 = array.astype(np.float64)
    return wide
