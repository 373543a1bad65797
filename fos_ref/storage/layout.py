"""Byte layouts: codes in bytes, and the 128x4 scale swizzle of Blackwell's block-scaled MMA (N15, N16)."""

from __future__ import annotations

from typing import Any

import numpy as np

from fos_ref.arguments import sizes
from fos_ref.errors import ShapeError
from fos_ref.formats.arrays import U8
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.bytes_door import as_bytes

TILE_ROWS = 128  #: rows of scales in one swizzled tile
TILE_COLS = 4  #: scales of a row in one swizzled tile
SHORT_ROWS = 8  #: rows of scales in one tile of the 8x4 layout
_QUARTERS = 4
_QUARTER_ROWS = TILE_ROWS // _QUARTERS


def pack_nibbles(codes: U8) -> U8:
    """Return codes (..., C) as bytes (..., C/2): element 2j in the low nibble of byte j, 2j+1 in the high.

    A code above 15 (only unsaturated recipes make one) spills into the high nibble by OR, as the reference's
    own packing does. Raises ShapeError for an odd C.
    """
    if codes.shape[-1] % 2:
        msg = f"pack_nibbles: shape {codes.shape}: the last axis must be even"
        raise ShapeError(msg)
    return codes[..., 0::2] | (codes[..., 1::2] << np.uint8(4))


def unpack_nibbles(packed: U8) -> U8:
    """Return bytes (..., C/2) as one code per byte (..., C)."""
    codes = np.empty((*packed.shape[:-1], packed.shape[-1] * 2), dtype=np.uint8)
    codes[..., 0::2] = packed & np.uint8(0xF)
    codes[..., 1::2] = packed >> np.uint8(4)
    return codes


def stored(codes: U8, r: Recipe) -> U8:
    """Return codes (..., C) as a recipe stores them: (..., C/2) where they have 4 bits, else as they are."""
    return pack_nibbles(codes) if r.codes_per_byte > 1 else codes


def one_a_byte(codes: U8, r: Recipe) -> U8:
    """Return stored codes as one code per byte (..., C)."""
    return unpack_nibbles(codes) if r.codes_per_byte > 1 else codes


def swap_nibbles(packed: U8) -> U8:
    """Return packed codes with the two nibbles of each byte exchanged."""
    return (packed << np.uint8(4)) | (packed >> np.uint8(4))


def from_halves(packed: U8, block_cols: int) -> U8:
    """Return packed codes read from bytes that hold element j low and j + n/2 high, block by block of n."""
    per_block = packed.reshape(*packed.shape[:-1], -1, block_cols // 2)
    elements = np.concatenate([per_block & np.uint8(0xF), per_block >> np.uint8(4)], axis=-1)
    return pack_nibbles(elements.reshape(*packed.shape[:-1], -1))


def short_shape(rows: int, cols: int) -> tuple[int, int]:
    """Return (rows, cols) of scales rounded up to whole tiles of 8x4."""
    return -(-rows // SHORT_ROWS) * SHORT_ROWS, -(-cols // TILE_COLS) * TILE_COLS


def from_short_tiles(raw: U8, rows: int, cols: int) -> U8:
    """Return flat scales in tiles of 8x4, each row by row, as (rows, cols); the padding is dropped."""
    padded_rows, padded_cols = short_shape(rows, cols)
    tiles = raw.reshape(padded_rows // SHORT_ROWS, padded_cols // TILE_COLS, SHORT_ROWS, TILE_COLS)
    return tiles.transpose(0, 2, 1, 3).reshape(padded_rows, padded_cols)[:rows, :cols]


def swizzled_shape(rows: int, cols: int) -> tuple[int, int]:
    """Return (rows, cols) of scales rounded up to whole 128x4 tiles."""
    return -(-rows // TILE_ROWS) * TILE_ROWS, -(-cols // TILE_COLS) * TILE_COLS


def swizzle(scales: Any) -> U8:
    """Return block scales in the 128x4 layout, which Blackwell's block-scaled matrix units read (N16).

    Shapes:   (R, B) -> flat, ceil(R / 128) * KT * 512 bytes with KT = ceil(B / 4). The byte of (r, k) is at
              ((r // 128) * KT + k // 4) * 512 + (r % 32) * 16 + (r % 128 // 32) * 4 + k % 4.
    Dtypes:   uint8 or a one-byte float; NumPy, torch, CuPy, JAX, `__array__` or DLPack -> NumPy uint8. The
              padding is 0.
    Raises:   ShapeError unless 2-D; DtypeError for another dtype or object.
    """
    linear = as_bytes(scales, "scales")
    if linear.ndim != 2:  # noqa: PLR2004 -- rows and columns
        msg = f"swizzle: scales of shape {linear.shape}: 2 dimensions are allowed"
        raise ShapeError(msg)
    rows, cols = swizzled_shape(*linear.shape)
    if not linear.size:  # a side may be 0 and the other one huge
        return np.zeros(0, dtype=np.uint8)
    padded = np.zeros((rows, cols), dtype=np.uint8)
    padded[: linear.shape[0], : linear.shape[1]] = linear
    tiles = padded.reshape(rows // TILE_ROWS, _QUARTERS, _QUARTER_ROWS, cols // TILE_COLS, TILE_COLS)
    return tiles.transpose(0, 3, 2, 1, 4).reshape(-1)


def unswizzle(scales: Any, rows: int, cols: int) -> U8:
    """Return the linear block scales of `swizzle`'s output; the padding is dropped.

    Shapes:   any shape with ceil(rows / 128) * ceil(cols / 4) * 512 bytes -> (rows, cols)
    Dtypes:   as `swizzle`
    Raises:   ShapeError for another number of bytes, or a side that is no whole number from 0 on; DtypeError
              for another dtype or object.
    """
    rows, cols = sizes((rows, cols), "unswizzle: shape")
    swizzled = as_bytes(scales, "scales")
    padded_rows, padded_cols = swizzled_shape(rows, cols)
    if swizzled.size != padded_rows * padded_cols:
        msg = (
            f"unswizzle: {swizzled.size} bytes for scales of shape ({rows}, {cols}): "
            f"{padded_rows} x {padded_cols} = {padded_rows * padded_cols} are needed"
        )
        raise ShapeError(msg)
    if not swizzled.size:
        return np.zeros((rows, cols), dtype=np.uint8)
    tiles = swizzled.reshape(
        padded_rows // TILE_ROWS, padded_cols // TILE_COLS, _QUARTER_ROWS, _QUARTERS, TILE_COLS
    )
    linear = tiles.transpose(0, 3, 2, 1, 4).reshape(padded_rows, padded_cols)
    return linear[:rows, :cols].copy()
