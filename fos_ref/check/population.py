"""Blocks picked out of a tensor, each with the tensor amaxes it may have been given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from fos_ref.formats.arrays import AnyArray, F32, I64
from fos_ref.formats.bits import widen
from fos_ref.model.blocks import to_blocks
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.recipe import Recipe

USED = "used"  #: the amax that the recipe uses: the caller's, or the tensor's or row's own
SIGNED = "max(x)"  #: the largest value of the tensor or the row, its sign counted
BLOCK = "block"  #: the block's own amax
ENCODE, DECODE = "S", "D"  #: the tensor scales of USED, where a caller fixed one of them
_TILE = 128


@dataclass(frozen=True, slots=True)
class Population:
    """N blocks of n values as a column of blocks: the shapes (T, B, n) of the model with T = N and B = 1."""

    x: F32  #: (N, 1, n)
    amaxes: Mapping[str, F32]  #: what it is taken over -> (N, 1)
    dtype: np.dtype[Any]  #: of the input
    place: I64  #: (N, 2) row and column of each block, in blocks
    source: Source

    def around(self, name: str) -> F32:
        """Return (N, 1): the amax of each block taken over other values, as `AROUND` names them."""
        return self.source.around(name)[self.place[:, 0], self.place[:, 1]][:, None]

    def largest_of_row(self) -> F32:
        """Return (N, 1): the largest value of each block's row, its sign counted, at least 0."""
        return self.source.largest_of_rows()[self.place[:, 0]]


@dataclass(frozen=True, slots=True)
class Source:
    """A tensor in blocks, ready to be picked from: block i is (i // B, i % B), row-major."""

    blocks: AnyArray  #: (T, B, n) in the input's dtype
    amaxes: Mapping[str, F32]  #: (T or 1, B or 1)
    block_amax: F32  #: (T, B)
    recipe: Recipe | None = None  #: that S and D were fixed under, if they were
    _around: dict[str, F32] = field(init=False, default_factory=dict)

    @property
    def size(self) -> int:
        """How many blocks there are."""
        return int(self.blocks.shape[0] * self.blocks.shape[1])

    def pick(self, index: I64) -> Population:
        """Return the blocks at flat positions `index`."""
        rows, cols = np.divmod(index, self.blocks.shape[1])
        amaxes = {k: a[rows % a.shape[0], cols % a.shape[1]][:, None] for k, a in self.amaxes.items()}
        x = widen(self.blocks[rows, cols])[:, None, :]
        return Population(x, amaxes, self.blocks.dtype, np.stack([rows, cols], axis=1), self)

    def around(self, name: str) -> F32:
        """Return (T, B) block amaxes taken over other values, as `AROUND` names them."""
        if name not in self._around:
            self._around[name] = AROUND[name](self.block_amax) if self.block_amax.size else self.block_amax
        return self._around[name]

    def largest_of_rows(self) -> F32:
        """Return (T, 1): the largest value of each row of blocks, its sign counted, at least 0."""
        if "row" not in self._around:
            rows = self.blocks.reshape(self.blocks.shape[0], -1)
            with np.errstate(invalid="ignore"):
                largest = np.fmax.reduce(widen(rows), axis=1, initial=np.float32(0), keepdims=True)
            self._around["row"] = np.asarray(largest, dtype=np.float32)
        return self._around["row"]


def source(x: AnyArray, used: F32, r: Recipe, fixed: tuple[F32, F32] | None = None) -> Source:
    """Return the blocks of x (R, C) with the amax `used`, () or (R,), and amaxes of other granularities.

    fixed: S and D, each () or (R,), where a caller fixed one of them; by default they follow from the amax
    """
    blocks = to_blocks(x, r.block_rows, r.block_cols)
    with np.errstate(invalid="ignore"):
        block_amax = np.fmax.reduce(np.abs(widen(blocks)), axis=-1, initial=np.float32(0))
    row = block_amax.max(axis=1, initial=np.float32(0), keepdims=True)
    amaxes = {
        USED: np.asarray(used, dtype=np.float32).reshape(-1, 1),
        SIGNED: _signed(x, r),
        BLOCK: block_amax,
        "tensor": row.max(axis=0, initial=np.float32(0), keepdims=True),
        "row": row,
        "column of blocks": block_amax.max(axis=0, initial=np.float32(0), keepdims=True),
        "128 values": _over(block_amax, 1, _TILE // r.block_cols),
        "128x128 tile": _over(block_amax, _TILE // r.block_rows, _TILE // r.block_cols),
    }
    if fixed is not None:
        amaxes |= {k: v.reshape(-1, 1) for k, v in zip((ENCODE, DECODE), fixed, strict=True)}
    return Source(blocks, amaxes, block_amax, None if fixed is None else r)


def _signed(x: AnyArray, r: Recipe) -> F32:
    """Return the largest value, its sign counted, of each row or of all."""
    by_row = np.fmax.reduce(x, axis=1, initial=x.dtype.type(-np.inf)) if x.size else np.zeros(len(x))
    largest = by_row if r.amax_scope is AmaxScope.ROW else by_row.max(initial=-np.inf)
    return np.asarray(largest, dtype=np.float32).reshape(-1, 1)


def _over(a: F32, rows: int, cols: int) -> F32:
    """Return, for each entry of a (T, B), the largest of its group of rows x cols."""
    row_starts, col_starts = np.arange(0, a.shape[0], rows), np.arange(0, a.shape[1], cols)
    if not a.size:
        return a
    grouped = np.maximum.reduceat(np.maximum.reduceat(a, row_starts, axis=0), col_starts, axis=1)
    spread = np.repeat(np.repeat(grouped, rows, axis=0), cols, axis=1)
    return np.asarray(spread[: a.shape[0], : a.shape[1]])


def _beside(a: F32, by: int) -> F32:
    """Return the neighbour's entry in each row of (T, B), its own at the end that has none."""
    at = np.clip(np.arange(a.shape[1]) + by, 0, max(a.shape[1] - 1, 0))
    return a[:, at]


def _exchanged(a: F32) -> F32:
    """Return the entries of each row of (T, B) exchanged in pairs; one without a partner stays."""
    at = np.arange(a.shape[1]) ^ 1
    return a[:, np.where(at < a.shape[1], at, at - 1)]


#: What else a block amax may be taken over: block amaxes (T, B) -> (T, B).
AROUND: Mapping[str, Callable[[F32], F32]] = MappingProxyType(
    {
        "two blocks side by side": lambda a: _over(a, 1, 2),
        "four blocks side by side": lambda a: _over(a, 1, 4),
        "eight blocks side by side": lambda a: _over(a, 1, 8),
        "all blocks of the row": lambda a: _over(a, 1, max(a.shape[1], 1)),
        "the block and the one to its right": lambda a: np.maximum(a, _beside(a, 1)),
        "the block and the one to its left": lambda a: np.maximum(a, _beside(a, -1)),
        "the next block": lambda a: _beside(a, 1),
        "the previous block": lambda a: _beside(a, -1),
        "the other block of a pair": _exchanged,
        "two rows of blocks": lambda a: _over(a, 2, 1),
        "sixteen rows of blocks": lambda a: _over(a, 16, 1),
        "the block below": lambda a: _beside(a.T, 1).T,
        "the block above": lambda a: _beside(a.T, -1).T,
    }
)
