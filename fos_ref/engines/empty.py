"""A tensor without values: what every engine gives for it, at no cost in its rows or columns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from fos_ref.formats.arrays import AnyArray, Bool, F32, U8
from fos_ref.model.quantize import tensor_scales
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.recipe import Recipe


def scales_of_nothing(r: Recipe, rows: int, dtype: np.dtype[Any]) -> Scales:
    """Return the tensor scales of A = 0; for row-scaled recipes one row's, read-only, seen as all."""
    if r.amax_scope is not AmaxScope.ROW:
        return tensor_scales(np.zeros((), dtype=np.float32), r, dtype)
    one = tensor_scales(np.zeros(1, dtype=np.float32), r, dtype)

    def all_rows(value: F32) -> F32:
        return np.broadcast_to(value, (rows, 1))

    return replace(one, amax=all_rows(one.amax), encode=all_rows(one.encode), decode=all_rows(one.decode))


def nothing(x: AnyArray, _: Scales, r: Recipe, *__: Any) -> tuple[U8, U8, Bool]:
    """Return empty codes, block scales and choices of an x (R, C) without values: R or C is 0."""
    rows, cols = x.shape
    blocks = (rows, cols // r.block_cols)
    codes = np.empty((rows, cols // r.codes_per_byte), np.uint8)
    return codes, np.empty(blocks, np.uint8), np.empty(blocks, np.bool_)
