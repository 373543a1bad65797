"""What one pass over a quantized weight counts: which scale byte stands over which largest code, how often.

A table of 256 scale bytes by 8 code magnitudes says almost everything that the bytes of a weight can tell.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fos_ref.formats.arrays import I64, U8
from fos_ref.storage.held_bytes import TILE

BYTES, MAGNITUDES, CODES = 256, 8, 16
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


def tally_rows(tally: Tally, packed: U8, scales: U8) -> None:
    """Count rows of packed codes (R, K/2) under scale bytes (R, K/16)."""
    largest = np.maximum(packed & _MAGNITUDE, (packed >> _NIBBLE_BITS) & _MAGNITUDE)
    largest = largest.reshape(*scales.shape, -1).max(axis=-1)
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
