"""What one pass over a quantized weight counts: which scale byte stands over which largest code, how often.

A table of 256 scale bytes by 8 code magnitudes says almost everything that the bytes of a weight can tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from fos_ref.formats.arrays import I64, U8
from fos_ref.recipes.recipe import BLOCK
from fos_ref.storage.held import Held, ScaleLayout
from fos_ref.storage.layout import unswizzle
from fos_ref.storage.shards import Shards

CHUNK_BYTES = 1 << 20  #: of packed codes, read at once; at least 16 rows
BYTES, MAGNITUDES, CODES = 256, 8, 16
TILE = BLOCK  #: rows of a 16x16 tile
_PER_BLOCK = BLOCK // 2
_MAGNITUDE = np.uint8(7)
_NIBBLE_BITS = np.uint8(4)


def _table() -> I64:
    return np.zeros((BYTES, MAGNITUDES), dtype=np.int64)


@dataclass(slots=True)
class Tally:
    """Counts of a weight, or of several added up."""

    blocks: I64 = field(default_factory=_table)  #: by (scale byte, largest code magnitude) of 1x16 blocks
    tiles: I64 = field(default_factory=_table)  #: the same of 16x16 tiles; zero unless the weight is tiled
    codes: I64 = field(default_factory=lambda: np.zeros(CODES, dtype=np.int64))
    tiled: bool = (
        True  #: every 16 rows repeat one scale byte; False also where the rows are no multiple of 16
    )

    def add(self, other: Tally) -> None:
        """Add the counts of another weight."""
        self.blocks += other.blocks
        self.tiles += other.tiles
        self.codes += other.codes
        self.tiled &= other.tiled

    @property
    def plain_scales(self) -> bool:
        """Whether all blocks have one scale byte, so that tiles cannot be told from rows."""
        return int(np.count_nonzero(self.blocks.sum(axis=1))) <= 1

    @property
    def units(self) -> I64:
        """The table of what shares a scale: tiles where the weight is tiled, blocks elsewhere."""
        return self.tiles if self.tiled and not self.plain_scales else self.blocks


def scales_of(file: Shards, held: Held) -> U8:
    """Return the block scales of a weight as they lie in the file, flat."""
    return file.read_bytes(held.block_scales.name, 0, held.block_scales.nbytes)


def linear(raw: U8, held: Held, layout: ScaleLayout) -> U8:
    """Return flat scale bytes of `layout` as (N, K/16)."""
    rows, cols = held.scale_shape
    match layout:
        case ScaleLayout.SWIZZLED:
            return unswizzle(raw, rows, cols)
        case ScaleLayout.TRANSPOSED:
            return raw.reshape(cols, rows).T
        case ScaleLayout.LINEAR:
            return raw.reshape(rows, cols)


def code_chunks(file: Shards, held: Held) -> Iterator[tuple[slice, U8]]:
    """Read the packed codes of a weight as (rows, (R, K/2)), whole tiles of rows where there are any."""
    rows, half = held.shape[0], held.shape[1] // 2
    step = max(1, CHUNK_BYTES // (half * TILE)) * TILE
    for row in range(0, rows, step):
        stop = min(row + step, rows)
        yield slice(row, stop), file.read_bytes(held.codes.name, row * half, stop * half).reshape(-1, half)


def tally_rows(tally: Tally, packed: U8, scales: U8) -> None:
    """Count rows of packed codes (R, K/2) under scale bytes (R, K/16)."""
    largest = np.maximum(packed & _MAGNITUDE, (packed >> _NIBBLE_BITS) & _MAGNITUDE)
    largest = largest.reshape(*scales.shape, _PER_BLOCK).max(axis=-1)
    tally.blocks += _pairs(scales, largest)
    by_byte = np.bincount(packed.reshape(-1), minlength=BYTES).reshape(CODES, CODES)
    tally.codes += by_byte.sum(axis=0) + by_byte.sum(axis=1)
    if tally.tiled:
        _tally_tiles(tally, scales, largest)


def _tally_tiles(tally: Tally, scales: U8, largest: U8) -> None:
    if scales.shape[0] % TILE:
        tally.tiled = False
        return
    of_tiles = scales.reshape(-1, TILE, scales.shape[1])
    tally.tiled = bool(np.all(of_tiles == of_tiles[:, :1]))
    if tally.tiled:
        tally.tiles += _pairs(of_tiles[:, 0], largest.reshape(of_tiles.shape).max(axis=1))


def _pairs(scales: U8, largest: U8) -> I64:
    """Return how often each scale byte stands over each largest code magnitude."""
    index = scales.astype(np.int64) * MAGNITUDES + largest
    counts: I64 = np.bincount(index.reshape(-1), minlength=BYTES * MAGNITUDES).reshape(BYTES, MAGNITUDES)
    return counts
