"""A quantized tensor: codes, block scales, tensor amax, and the recipe that made them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from fos_ref.arguments import is_a
from fos_ref.errors import DtypeError, RecipeError, ShapeError
from fos_ref.foreign import cut, shown
from fos_ref.formats.arrays import Bool, F32, U8
from fos_ref.model.dequantize import element_values, holds_second, scale_values
from fos_ref.notebook import grids, markup
from fos_ref.recipes.axes import Candidates
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.layout import one_a_byte


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuantizedTensor:
    """The result of `quantize`: codes, block scales, tensor scales, and the recipe that made them.

    Shapes are given for (rows, C); an N-D input (..., C) keeps its leading axes. With padding, rows and C are
    those of the padded matrix, and padded rows flatten the leading axes; `shape` is always that of the input.
    """

    codes: U8  #: (rows, C/2): element 2j in the low nibble of byte j; (rows, C) unless a code has 4 bits
    block_scales: U8  #: (rows, C/16): E4M3 bytes, linear row-major; a tile's byte on each of its rows
    tensor_amax: F32  #: A, () or (rows,) float32
    encode_scale: F32  #: S, the same shape; 1/S and D may differ by a rounding either way
    decode_scale: F32  #: D, the same shape: values are codes * block scale * D up to the recipe's rounding
    picked4: Bool | None  #: (rows, C/16): True where map-to-4 won; None when read from a file without it
    recipe: Recipe
    shape: tuple[int, ...]  #: of the input

    def _repr_html_(self) -> str:
        """Return the tensor for a notebook: what it is, and the values of its first block on their grid."""
        four = "unknown" if self.picked4 is None else f"{int(self.picked4.sum()):,} of {self.picked4.size:,}"
        rows: list[list[object]] = [
            ["recipe", self.recipe.name],
            ["shape", self.shape],
            ["codes", f"{self.codes.shape} bytes"],
            ["block scales", f"{self.block_scales.shape} bytes"],
            ["blocks at 4 (or of integers)", four],
        ]
        about = "QuantizedTensor"
        return f"<div>{markup.table(['part', 'what'], rows, about)}{_first_block(self)}</div>"

    @property
    def picked_int(self) -> Bool | None:
        """True where integers were kept (IF recipes): the array picked4. RecipeError for other recipes."""
        if self.recipe.candidates is not Candidates.FLOAT_OR_INT:
            msg = f"picked_int: recipe {self.recipe.name!r} has no integer candidate; picked4 is its choice"
            raise RecipeError(msg)
        return self.picked4


def _first_block(q: QuantizedTensor) -> str:
    """Return the first block's values as a drawing on their grid; "" for a tensor without values."""
    if not q.codes.size or not q.block_scales.size:
        return ""
    r = q.recipe
    codes = one_a_byte(q.codes.reshape(-1, q.codes.shape[-1])[:1, : r.block_cols // r.codes_per_byte], r)
    byte = q.block_scales.reshape(-1, q.block_scales.shape[-1])[:1, :1]
    second, scale = holds_second(byte, r), float(scale_values(byte, r)[0, 0])
    unit = scale * float(q.decode_scale.flat[0])
    every = np.arange(1 << r.element.width, dtype=np.uint8)[None, :]
    points = {abs(float(v)) * unit for v in element_values(every, second, r)[0] if np.isfinite(v)}
    values = [float(v) * unit for v in element_values(codes, second, r)[0]]
    kept = grids.Grid("first block", tuple(sorted(points)), tuple(map(abs, values)), kept=True)
    return grids.drawn(values, [kept], f"the first block under the scale byte 0x{int(byte[0, 0]):02X}")


def check_tensor(q: Any, what: str) -> QuantizedTensor:
    """Return `q` if it is a QuantizedTensor whose parts fit one another: it may have been made by hand.

    what:   the call, for the message
    Raises: DtypeError for another object or a part of another kind, ShapeError for parts that do not fit.
    """
    if not is_a(q, QuantizedTensor):
        msg = f"{what}: q is a {cut(type(q).__name__)}: a QuantizedTensor is allowed"
        raise DtypeError(msg)
    if not is_a(q.recipe, Recipe):
        msg = f"{what}: the recipe of q is {shown(q.recipe)}: a Recipe is allowed"
        raise DtypeError(msg)
    for name, part in (("codes", q.codes), ("block scales", q.block_scales)):
        _check_part(part, f"{what}: the {name} of q", np.uint8)
    for name, scale in (("tensor amax", q.tensor_amax), ("S", q.encode_scale), ("D", q.decode_scale)):
        _check_part(scale, f"{what}: the {name} of q", np.float32)
    _check_fit(q, what)
    return cast("QuantizedTensor", q)


def _check_part(part: Any, name: str, dtype: type[np.generic]) -> None:
    if not is_a(part, (np.ndarray, np.generic)) or is_a(part, np.ma.MaskedArray):
        msg = f"{name}: type {cut(type(part).__name__)}: a NumPy array is allowed"
        raise DtypeError(msg)
    if part.dtype != dtype:
        msg = f"{name}: dtype {cut(str(part.dtype))}: {np.dtype(dtype).name} is allowed"
        raise DtypeError(msg)


def _check_fit(q: QuantizedTensor, what: str) -> None:
    """Raise ShapeError unless codes, block scales, tensor scales and the shape of the input fit."""
    *lead, width = q.codes.shape or (0,)
    rows, r = math.prod(lead), q.recipe
    cols = r.codes_per_byte * width
    scales = (*lead, cols // r.block_cols)
    if not q.codes.shape or q.block_scales.shape != scales or cols % r.block_cols or rows % r.block_rows:
        msg = f"{what}: block scales of shape {q.block_scales.shape}: codes of {q.codes.shape} take {scales}"
        raise ShapeError(msg)
    for part in (q.tensor_amax, q.encode_scale, q.decode_scale):
        if part.shape not in ((), (1,), (rows,), (rows, 1)):
            msg = f"{what}: a tensor scale of shape {part.shape}: () or ({rows},) is allowed"
            raise ShapeError(msg)
    whole = isinstance(q.shape, tuple) and all(isinstance(n, (int, np.integer)) and n >= 0 for n in q.shape)
    own = (math.prod(q.shape[:-1]), q.shape[-1]) if whole and q.shape else (-1, -1)
    padded = (own[0] + -own[0] % r.block_rows, own[1] + -own[1] % r.block_cols)
    if own[1] < 0 or padded != (rows, cols):
        msg = f"{what}: shape {shown(q.shape)} of the input: codes of {q.codes.shape} do not fit it"
        raise ShapeError(msg)
