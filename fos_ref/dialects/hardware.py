"""Find the blocks whose bytes depend on the chip, because its reciprocals are approximate.

rcp.approx.ftz.f32 is within 1 ulp of the true reciprocal, and which value it gives depends on the chip. So a
recipe with Reciprocal.APPROXIMATE is computed for every combination of -1, 0 and +1 ulp on its reciprocals.
If a block has the same bytes in all of them, arithmetic alone decides it. Otherwise the hardware does.

Most blocks need four of the 27 combinations, see `_ENDS`; the rest of them are tried block by block.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from fos_ref.engines.given import check_finite, Fixed
from fos_ref.engines.inputs import as_numpy, check_shape
from fos_ref.errors import RecipeError, ShapeError
from fos_ref.formats.arrays import Bool, F32
from fos_ref.formats.bits import widen
from fos_ref.formats.environment import check_float_environment
from fos_ref.model.quantize import quantize_matrix, tensor_amax, tensor_scales
from fos_ref.model.rounding import moved
from fos_ref.model.trace import Candidate, Scales, Trace
from fos_ref.recipes.axes import AmaxScope, Reciprocal, TensorScale
from fos_ref.recipes.catalog import recipe as get_recipe
from fos_ref.recipes.recipe import Recipe

ULPS = (-1, 0, 1)
Offsets = tuple[int, int, int]

#: The ends of what the offsets can do. Every rounding is monotone. So a block scale moves with the offset of
#: its own reciprocal (the first; for Quartet II the second). Under a given scale, a scaled value moves
#: with 1/S and 1/(s*D) in opposite senses. The errors move with 1/S alone, whose values are all tried here
#: or by the reference. Where scale bytes, codes and the choice are equal at all ends, nothing changes them.
_ENDS: tuple[Offsets, ...] = ((1, 0, 0), (-1, 0, 0), (0, 1, -1), (0, -1, 1))
_ROWS = 512  #: worked on at once


def is_approximate(r: Recipe) -> bool:
    """Return whether a chip decides some of the recipe's bytes."""
    return r.reciprocal is Reciprocal.APPROXIMATE


def hardware_decides(x: Any, r: Recipe | str, *, amax: Any = None) -> Bool:
    """Return a mask of the blocks whose bytes depend on the chip's reciprocals.

    amax:     of the tensor (or its rows), where x is some rows of it; by default x is the tensor
    Shapes:   x (R, C), C a multiple of 16 -> bool (R, C/16)
    Dtypes:   as for `quantize`
    Specials: subnormals are kept. A kernel that flushes them (FTZ) may also differ on blocks below 2^-126.
    Raises:   RecipeError for a recipe whose reciprocals are exact: there is nothing to decide; ShapeError;
              DtypeError; InputError for an amax as in `quantize`, for a NaN or an infinity that the recipe
              refuses.
    Spec:     docs/numerics.md N8, `reciprocal`.
    """
    r, array = get_recipe(r), as_numpy(x)
    check_shape(array.shape, r.block_rows, r.block_cols)
    if array.ndim != 2:  # noqa: PLR2004 -- rows and columns
        msg = f"hardware_decides: x of shape {array.shape}: 2 dimensions are allowed"
        raise ShapeError(msg)
    if not is_approximate(r):
        msg = f"recipe {r.name!r} rounds its reciprocals exactly: an approximate one is allowed"
        raise RecipeError(msg)
    check_float_environment()
    given = Fixed(amax=amax).scales(r, len(array), array.dtype)
    own = tensor_amax(widen(array), r)
    check_finite(own, r)
    scales = tensor_scales(own, r, array.dtype) if given is None else given
    rows = max(_ROWS, r.block_rows)
    parts = [
        _undecided(array[at : at + rows], scales.rows(slice(at, at + rows)), r)
        for at in range(0, len(array) if array.size else 0, rows)
    ]
    empty = np.zeros((0 if array.size else len(array), array.shape[1] // r.block_cols), dtype=np.bool_)
    undecided: Bool = np.concatenate([empty, *parts])
    return undecided


def undecided_blocks(x: Any, r: Recipe) -> Bool:
    """Return the same mask; nothing is set for a recipe with exact reciprocals."""
    if is_approximate(r):
        return hardware_decides(x, r)
    return np.zeros((x.shape[0], x.shape[1] // r.block_cols), dtype=np.bool_)


def _undecided(x: Any, scales: Scales, r: Recipe) -> Bool:
    """Return the mask of some rows under scales of theirs."""
    matrix = widen(x)
    undecided = _under(matrix, scales, r)
    for other in encode_scales(scales, r):
        undecided |= _under(matrix, other, r)
        undecided |= _differs(quantize_matrix(matrix, other, r), quantize_matrix(matrix, scales, r))
    return undecided


def encode_scales(t: Scales, r: Recipe) -> list[Scales]:
    """Return the scales with each other S that the chip may give, where S is a reciprocal that it takes."""
    if r.tensor_scale is not TensorScale.ENCODE_OF_PRODUCT:
        return []
    with np.errstate(all="ignore"):
        moved_ = [moved(t.encode, ulps) for ulps in ULPS if ulps]
        return [replace(t, encode=s, decode=np.asarray(np.float32(1) / s)) for s in moved_]


def _under(matrix: F32, scales: Scales, r: Recipe) -> Bool:
    """Return the mask under one S."""
    reference = quantize_matrix(matrix, scales, r)
    ends = [quantize_matrix(matrix, approximate(scales, ulps, r), r) for ulps in _ENDS]
    open_: Bool = np.zeros(reference.block_amax.shape, dtype=np.bool_)
    for t in ends:
        open_ |= _moves(t, reference)
    undecided: Bool = np.zeros(reference.block_scales.shape, dtype=np.bool_)
    for t in ends:
        undecided |= _differs(t, reference)
    _try_all(matrix, scales, r, open_, undecided.reshape(len(open_), r.block_rows, -1))
    return undecided


def _try_all(matrix: F32, scales: Scales, r: Recipe, open_: Bool, undecided: Bool) -> None:
    """Try every other combination on the blocks (T, B) that are open; set the rows of theirs that differ."""
    for ulps in product(ULPS, ULPS, ULPS):
        if ulps in (*_ENDS, (0, 0, 0)):
            continue
        rows, cols = np.nonzero(open_ & ~undecided.all(axis=1))
        if not len(rows):
            return
        blocks, own = _picked(matrix, scales, r, rows, cols)
        reference = quantize_matrix(blocks, own, r)
        t = quantize_matrix(blocks, approximate(own, ulps, r), r)
        undecided[rows, :, cols] |= _differs(t, reference).reshape(len(rows), -1)


def _picked(matrix: F32, scales: Scales, r: Recipe, rows: Any, cols: Any) -> tuple[F32, Scales]:
    """Return some blocks, one below the other, and their scales."""
    n, width = r.block_rows, r.block_cols
    tiles = matrix.reshape(len(matrix) // n, n, -1, width)
    own = scales
    if r.amax_scope is AmaxScope.ROW:
        own = replace(scales, amax=scales.amax[rows], encode=scales.encode[rows], decode=scales.decode[rows])
    picked: F32 = tiles[rows, :, cols].reshape(-1, width)
    return picked, own


def _moves(t: Trace, reference: Trace) -> Bool:
    """Return the blocks where a candidate's scale byte or codes, or the choice, is another."""
    n = t.recipe.block_rows
    moved_: Bool = t.picked4[::n] != reference.picked4[::n]
    for mine, theirs in ((t.map6, reference.map6), (t.map4, reference.map4)):
        if mine is not None and theirs is not None:
            moved_ |= _other(mine, theirs)
    return moved_


def _other(mine: Candidate, theirs: Candidate) -> Bool:
    other: Bool = (mine.scale_code != theirs.scale_code) | (mine.codes != theirs.codes).any(axis=-1)
    return other


def _differs(t: Trace, reference: Trace) -> Bool:
    """Return where the bytes are others, (R, B): a row of a tile counts by itself."""
    codes = (t.codes != reference.codes).reshape(*reference.block_scales.shape, -1).any(axis=-1)
    differs: Bool = codes | (t.block_scales != reference.block_scales)
    return differs


def approximate(t: Scales, ulps: Offsets, r: Recipe) -> Scales:
    """Return the tensor scales with the offsets of the reciprocals; D itself is one where S is supplied."""
    decode: F32 = t.decode
    if r.tensor_scale is not TensorScale.DECODE_RECIPROCALS:
        decode = moved(t.decode, ulps[1])
    return replace(t, decode=decode, ulps=ulps)
