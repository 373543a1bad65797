"""From a matrix to its blocks and back: (R, C) <-> (T, B, n), row-major inside a tile (N4)."""

from __future__ import annotations

import numpy as np

from fos_ref.formats.arrays import AnyArray


def to_blocks(x: AnyArray, block_rows: int, block_cols: int) -> AnyArray:
    """Return x (R, C) as (R / block_rows, C / block_cols, block_rows * block_cols)."""
    rows, cols = x.shape
    tiles = x.reshape(rows // block_rows, block_rows, cols // block_cols, block_cols)
    return tiles.transpose(0, 2, 1, 3).reshape(
        rows // block_rows, cols // block_cols, block_rows * block_cols
    )


def from_blocks(blocks: AnyArray, block_rows: int, block_cols: int) -> AnyArray:
    """Return blocks (T, B, n) as the matrix (R, C) they were cut from."""
    t, b, _ = blocks.shape
    tiles = blocks.reshape(t, b, block_rows, block_cols)
    return tiles.transpose(0, 2, 1, 3).reshape(t * block_rows, b * block_cols)


def repeat_rows(per_block: AnyArray, block_rows: int) -> AnyArray:
    """Return a (T, B) value per block as (R, B): a tile's value for each of its rows."""
    t, b = per_block.shape
    if not b:  # np.repeat would count through the rows, however many there are
        return np.empty((t * block_rows, b), dtype=per_block.dtype)
    return np.repeat(per_block, block_rows, axis=0)
