"""GPTQ in NumPy, each rounding stated: what a column walk makes of a weight under a recipe's block scales.

Two forms. The published one takes the recipe's block scales, with them the choice of 4 or 6, once from the
original weight. The other takes a block's scale from the values that the walk has made by the time it begins.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from fos_ref.arguments import one_of
from fos_ref.engines.front import quantize
from fos_ref.formats.arrays import Bool, F32, F64, U8
from fos_ref.model.dequantize import holds_second, scale_values
from fos_ref.model.elements import cast_integer, ELEMENT_FORMAT, Grid, saturate
from fos_ref.ptq.given import check_hessian, check_walk, check_weight
from fos_ref.recipes.catalog import recipe as get_recipe
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.layout import stored
from fos_ref.storage.tensor import QuantizedTensor

CHOICES = ("once", "as-each-block-begins")
ORDERS = ("as-they-lie", "by-diagonal")
SPAN = 128  #: columns whose errors reach the columns behind them together
DAMPING = 0.01  #: of the mean of the diagonal


def gptq(
    w: Any,
    hessian: Any,
    recipe: Recipe | str = "4over6",
    *,
    choice: str = "once",
    order: str = "as-they-lie",
    amax: Any = None,
) -> QuantizedTensor:
    """Quantize a weight by GPTQ, column by column, under the block scales of `recipe`.

    w, hessian: (N, K) float32 and the layer's sum of x x^T, (K, K) float32 or float64, symmetric; any factor
    choice:   "once": block scales of the whole w before the walk; "as-each-block-begins": those of the block
              as the walk has made it, under the same tensor amax; for columns as they lie
    order:    "by-diagonal": the column of the largest diagonal first; blocks keep their members
    amax:     the tensor amax, as for `quantize`
    Rounding: the factor U (upper, U^T U = H^-1; a zero on the diagonal is 1 and clears the column; damped by
              1 % of the mean of the diagonal) in float64, then to float32. All else in float32: e = s/S,
              y = w/e, the element to nearest even, q*e; the error (w - q*e)/U_ii; its product with U_ij and
              the difference, for the columns of a span of 128; behind them one product of matrices in
              float64, rounded to float32, then the difference.
    Specials: an e of 0 gives zeros. Elements are cast so under every recipe; tensor and block scales are its.
    Raises:   ShapeError, DtypeError, InputError, RecipeError.
    Source:   llm-compressor gptq_quantize.py and fp-quant-fouroversix gptq.py have these steps.
    """
    r = get_recipe(recipe)
    check_walk(r, one_of(choice, CHOICES, "choice"), one_of(order, ORDERS, "order"))
    given = check_weight(w, r)
    u, dead, columns = _factor(check_hessian(hessian, given.shape[1]), order)
    first = quantize(given, r, amax=amax)
    work, block_of = np.where(dead, np.float32(0), given)[:, columns], columns // r.block_cols
    codes, scales = np.empty(work.shape, np.uint8), first.block_scales.copy()
    for start in range(0, work.shape[1], SPAN):
        stop = min(start + SPAN, work.shape[1])
        errors = np.empty((work.shape[0], stop - start), np.float32)
        for i in range(start, stop):
            if choice != CHOICES[0] and i % r.block_cols == 0:
                block = work[:, i : i + r.block_cols]
                scales[:, block_of[i]] = quantize(block, r, amax=first.tensor_amax).block_scales[:, 0]
            codes[:, columns[i]], value = cast(work[:, i], scales[:, block_of[i]], first.encode_scale, r)
            errors[:, i - start] = (work[:, i] - value) / u[i, i]
            work[:, i + 1 : stop] -= errors[:, i - start, None] * u[i, i + 1 : stop]
        behind = errors.astype(np.float64) @ u[start:stop, stop:].astype(np.float64)
        work[:, stop:] -= behind.astype(np.float32)
    return replace(first, codes=stored(codes, r), block_scales=scales, picked4=None)


def cast(w: F32, scales: U8, encode_scale: F32, r: Recipe) -> tuple[U8, F32]:
    """Return the codes and the values of a column (N,) under its blocks' scale bytes (N,)."""
    first, second = ELEMENT_FORMAT[r.element_format]
    others = holds_second(scales, r)
    with np.errstate(all="ignore"):
        e = scale_values(scales, r) / encode_scale
        y = np.where(e == 0, np.float32(0), w / e)
    (codes, q), (more, p) = nearest(y, first), nearest(y, second)
    return np.where(others, more, codes), np.where(others, p, q) * e


def nearest(y: F32, grid: Grid) -> tuple[U8, F32]:
    """Return the codes nearest to y on a grid, ties to even, saturating; and what they count as."""
    kind = cast_integer if grid.format.exponent_bits == 0 else saturate
    codes, values = kind(y * grid.rescale, grid.format)
    return codes, values * grid.unit


def _factor(h: F64, order: str) -> tuple[F32, Bool, Any]:
    """Return U as float32 in the walk's order, where the diagonal was 0, and the columns in that order."""
    diagonal = np.diagonal(h).copy()
    dead: Bool = diagonal == 0
    columns = np.arange(len(h)) if order == ORDERS[0] else np.argsort(-diagonal, kind="stable")
    h = h + np.diag(dead.astype(np.float64))
    h += np.diag(np.full(len(h), DAMPING * np.mean(np.diagonal(h))))
    inverse = np.linalg.inv(h[np.ix_(columns, columns)])
    return np.linalg.cholesky(inverse).T.astype(np.float32), dead, columns
