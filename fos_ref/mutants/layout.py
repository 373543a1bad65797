"""Mutants of the layout: which byte stands where (N4, N15, N16). They act on whole tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from fos_ref.engines.numpy_engine import NumpyEngine
from fos_ref.formats.arrays import AnyArray, Bool, U8
from fos_ref.model.trace import Scales
from fos_ref.mutants.mutant import Mutant
from fos_ref.mutants.plant import step, Swap
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.layout import pack_nibbles, swizzle

Result = tuple[U8, U8, Bool]
_QUANTIZE = NumpyEngine.quantize
_PAIR = 2  #: blocks that a thread works on


_known: dict[tuple[Any, ...], Result] | None = (
    None  #: what the engine made of tensors, while it is remembered
)


@contextmanager
def remembered() -> Iterator[None]:
    """Compute each tensor once, however many mutants of the layout are given it inside the `with` block."""
    global _known  # noqa: PLW0603 -- mutants have no arguments of their own
    _known = {}
    try:
        yield
    finally:
        _known = None


def unchanged(engine: NumpyEngine, x: AnyArray, scales: Scales, recipe: Recipe) -> Result:
    """Return what the engine makes of x; the arrays are the caller's own."""
    if _known is None:
        return _QUANTIZE(engine, x, scales, recipe)
    parts = (scales.amax, scales.encode, scales.decode)
    key = (recipe, x.dtype, x.shape, x.tobytes(), *(p.tobytes() for p in parts))
    if key not in _known:
        _known[key] = _QUANTIZE(engine, x, scales, recipe)
    codes, block_scales, picked4 = _known[key]
    return codes.copy(), block_scales.copy(), picked4.copy()


def after(change: Callable[[U8, U8, Bool], Result]) -> tuple[Swap, ...]:
    """Return the swap that changes packed codes, block scales and picked4 after they were computed."""

    def quantize(engine: NumpyEngine, x: AnyArray, scales: Scales, recipe: Recipe) -> Result:
        return change(*unchanged(engine, x, scales, recipe))

    return (Swap(_QUANTIZE, quantize),)


def _columnwise(engine: NumpyEngine, x: AnyArray, scales: Scales, recipe: Recipe) -> Result:
    """Return the bytes of x transposed, in the shape that was asked for; as it should be where none fit."""
    rows, cols = x.shape
    fits = rows % recipe.block_cols == 0 and cols % recipe.block_rows == 0 and scales.amax.ndim == 0
    if not fits:
        return unchanged(engine, x, scales, recipe)
    codes, block_scales, picked4 = unchanged(engine, np.ascontiguousarray(x.T), scales, recipe)
    shape = (rows, cols // recipe.block_cols)
    return (
        codes.reshape(rows, cols // recipe.codes_per_byte),
        block_scales.reshape(shape),
        picked4.reshape(shape),
    )


def _swizzled(scales: U8) -> U8:
    """Return as many swizzled bytes as there are linear ones, from the start of the padded buffer."""
    return swizzle(scales)[: scales.size].reshape(scales.shape)


def _without_tail(codes: U8, scales: U8, picked4: Bool) -> Result:
    """Return the result with the last block of a row left zero where blocks do not come in pairs."""
    if scales.shape[1] % _PAIR:
        width = codes.shape[1] // scales.shape[1]
        codes[:, -width:], scales[:, -1], picked4[:, -1] = 0, 0, False
    return codes, scales, picked4


def _with_neighbours_scale(codes: U8, scales: U8, picked4: Bool) -> Result:
    """Return the result with the last block of a row under its neighbour's scale byte."""
    if scales.shape[1] > 1:
        scales[:, -1] = scales[:, -2]
    return codes, scales, picked4


def _packed(change: Callable[[Callable[[U8], U8], U8], U8]) -> tuple[Swap, ...]:
    return (step(pack_nibbles, lambda old: lambda codes: change(old, codes)),)


def _exchanged(packed: U8) -> U8:
    return (packed << np.uint8(4)) | (packed >> np.uint8(4))


MUTANTS = (
    Mutant(
        name="nibbles-swapped",
        flag="NibbleOrder",
        comment="The even element is in the high nibble of its byte. Every byte of two different codes is "
        "wrong. Whoever packs as the bytes are read in hex.",
        swaps=_packed(lambda pack, codes: _exchanged(pack(codes))),
    ),
    Mutant(
        name="nibbles-off-by-one",
        flag="Unexplained",
        comment="Elements 2j+1 and 2j+2 share a byte, and the last of a row is the first. Whoever starts a "
        "loop at 1.",
        swaps=_packed(lambda pack, codes: pack(np.roll(codes, -1, axis=-1))),
    ),
    Mutant(
        name="scales-swizzled",
        flag="ScaleLayout",
        comment="Block scales are in the 128x4 order of the matrix instruction, where linear ones were "
        "asked; as many bytes as the linear ones are kept. Whoever hands over the kernel's operand.",
        swaps=after(lambda codes, scales, picked4: (codes, _swizzled(scales), picked4)),
    ),
    Mutant(
        name="scales-column-major",
        flag="ScaleTransposed",
        comment="Block scales are stored column by column. Nothing shows in a tensor of one row or one "
        "column of blocks. Whoever has a kernel that walks down the columns.",
        swaps=after(lambda codes, scales, picked4: (codes, scales.T.reshape(scales.shape), picked4)),
    ),
    Mutant(
        name="blocks-columnwise",
        flag="Transposed",
        comment="Blocks run down the columns: the bytes are those of the transposed tensor. Shown where the "
        "number of rows is a multiple of 16. Whoever takes the buffer meant for the backward pass.",
        swaps=(Swap(_QUANTIZE, _columnwise),),
    ),
    Mutant(
        name="tail-block-left-out",
        flag="Unexplained",
        comment="The last block of a row stays zero where a row has an odd number of blocks. Whoever gives "
        "two blocks to a thread and rounds the number of threads down.",
        swaps=after(_without_tail),
    ),
    Mutant(
        name="tail-block-neighbours-scale",
        flag="Unexplained",
        comment="The last block of a row is stored under the scale of the block before it. Whoever clamps an "
        "index to the wrong limit.",
        swaps=after(_with_neighbours_scale),
    ),
)
