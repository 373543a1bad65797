"""Vectors of whole tensors: worked examples, several rows and blocks, ragged ends, random values."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fos_ref.engines.front import Padding
from fos_ref.formats.arrays import AnyArray
from fos_ref.inputs.distributions import DTYPES
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.recipe import Recipe
from fos_ref.vectors.blocks import bell, block, ramp, unit_amax, wide
from fos_ref.vectors.case import Case, plain
from fos_ref.vectors.distinguishing.outcomes import Input

#: The block that docs/numerics.md works through, and the amax of its tensor.
_WORKED = (
    *(-2.5, -0.21875, 0.78125, 0.25, -1.75, 0.0, 0.875, 0.40625),
    *(-1.375, 3.46875, -0.5, 0.875, -0.0, 1.25, 1.0, -0.78125),
)
_WORKED_AMAX = 6.53125
_SHAPES = ((1, 2), (2, 3), (1, 5), (3, 5), (16, 1), (4, 4))  #: in blocks
_ROWS = (1.0, 0.37, 12.0, 0.004)  #: how rows differ in size
_POISON = {"NaN": np.nan, "infinity": np.inf, "a huge value": 3e38, "a small value": 0.75}
_SPARE = (2, 3)  #: rows and columns of a buffer beyond the tensor


def worked(r: Recipe) -> Iterator[Case]:
    """Yield the worked block of docs/numerics.md, the paper's block, and ordinary values in three dtypes."""
    given = None if unit_amax(r) is None else np.float32(_WORKED_AMAX)
    x = block(r, (), _WORKED)
    yield plain(x, "the worked block of docs/numerics.md", given)
    yield plain(-x, "the same with every sign turned", given)
    yield plain(x, "the same as a tensor of its own")
    for dtype in DTYPES:
        yield plain(ramp(r).astype(DTYPES[dtype]), f"ordinary values, {dtype}", unit_amax(r))
        yield plain(ramp(r, 5.03125).astype(DTYPES[dtype]), f"ordinary values, a tensor of {dtype}")


def shapes(r: Recipe) -> Iterator[Case]:
    """Yield tensors of several rows and blocks, all with an amax of their own.

    The largest magnitude is negative in some, and the last value of its block in others. Rows differ in size.
    """
    for i, (rows, blocks) in enumerate(_SHAPES if r.block_rows == 1 else ((1, 2), (2, 1))):
        shape = (rows * r.block_rows, blocks * r.block_cols)
        factors = np.resize(np.array(_ROWS, dtype=np.float32), rows).repeat(r.block_rows)
        x = (bell(40 + i, shape) * factors[:, None]).astype(np.float32)
        x[-1, -1] = -60.0 if i % 2 else 60.0
        name = f"{shape[0]} x {shape[1]} values, rows of different size"
        yield plain(x.astype(DTYPES["bfloat16" if i % 3 == 1 else "float32"]), name)
    if r.amax_scope is AmaxScope.ROW:
        x = (bell(50, (4, r.block_cols)) * np.array([[1e-20], [1], [1e20], [0]])).astype(np.float32)
        yield plain(x, "rows of very different size, one of zeros")


def tails(r: Recipe) -> Iterator[Case]:
    """Yield shapes that do not fit: refused, padded with zeros, and lying in a larger buffer full of poison.

    A kernel that reads beyond the tensor takes the poison into an amax, a block or an error.
    """
    cols, rows = r.block_cols, r.block_rows
    for i, (height, width) in enumerate(((1, cols + 4), (3, cols - 1), (rows + 1, cols), (2 * rows, 1))):
        x = bell(60 + i, (height, width))
        x[-1, -1] = -5.03125
        name = f"{height} x {width} values"
        fits = not (height % rows or width % cols)
        if not fits:
            yield plain(x, f"{name}, no padding asked for: an error")
            yield Case(comment=f"{name}, padded with zeros", given=Input(x=x), padding="zero")
        for what, value in _POISON.items():
            comment = f"{name} in a buffer whose other values are {what}"
            padding: Padding = "error" if fits else "zero"
            yield Case(comment=comment, given=Input(x=x), padding=padding, buffer=_buffer(x, value))


def _buffer(x: AnyArray, poison: float) -> AnyArray:
    found = np.full((x.shape[0] + _SPARE[0], x.shape[1] + _SPARE[1]), poison, dtype=x.dtype)
    found[: x.shape[0], : x.shape[1]] = x
    return found


def random(r: Recipe) -> Iterator[Case]:
    """Yield random values: like a normal distribution, and of any exponent, in three dtypes."""
    amax = None if unit_amax(r) is None else 2.0**4 * 1.03125
    for i in range(12 if r.block_rows == 1 else 2):
        x = bell(70 + i, (r.block_rows, r.block_cols), 2.0 ** -(i % 4))
        dtype = tuple(DTYPES)[i % 3]
        yield plain(x.astype(DTYPES[dtype]), f"like a normal distribution, number {i}, {dtype}", amax)
        y = wide(90 + i, (r.block_rows, r.block_cols), dtype, top=127 + 3, spread=4 + i)
        yield plain(y, f"exponents over {5 + i} binades, number {i}, {dtype}", amax)
