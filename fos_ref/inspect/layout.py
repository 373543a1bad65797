"""Linear, swizzled or transposed? Told from the scale bytes alone, where rows or columns differ in size.

In a trained weight some rows (outputs) and some columns (inputs) are larger than others, so the block scales
of a row resemble each other. Read in a wrong layout, blocks of other rows come between, and rows and columns
explain less of the spread. Where all rows and columns are alike nothing can be told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from fos_ref.formats.arrays import F64, U8
from fos_ref.storage.held import Held, ScaleLayout
from fos_ref.storage.held_bytes import linear

SURE = 12.0  #: standard deviations that the best layout's share has to lie above chance
_COUNTED_AT_ONCE = 1 << 16
USUAL = (ScaleLayout.LINEAR, ScaleLayout.SWIZZLED, ScaleLayout.TRANSPOSED)
AHEAD = 1.25  #: and how much larger than any other layout's it has to be


@dataclass(slots=True)
class LayoutVotes:
    """The spread that rows and columns explain, by layout, over all weights that could have any of them."""

    explained: dict[ScaleLayout, float] = field(default_factory=lambda: dict.fromkeys(USUAL, 0.0))
    variance: float = 0.0  #: of the explained share by chance, in the same unit squared
    blocks: int = 0

    def add(self, raw: U8, held: Held) -> None:
        """Count a weight whose scale bytes fit every layout; others cannot be compared and are left out."""
        if held.layouts != USUAL:
            return
        weight = float(held.blocks)
        for layout in USUAL:
            self.explained[layout] += weight * structure(linear(raw, held, layout))
        self.variance += weight**2 * chance(held.scale_shape)
        self.blocks += held.blocks

    def shares(self) -> Mapping[ScaleLayout, float]:
        """Return the share of the spread explained beyond chance, by layout."""
        return {k: v / max(1, self.blocks) for k, v in self.explained.items()}

    def winner(self) -> ScaleLayout | None:
        """Return the layout that stands out; None where none does."""
        first, second = sorted(USUAL, key=lambda k: -self.explained[k])[:2]
        best = self.explained[first]
        sure = self.blocks > 0 and best > SURE * self.variance**0.5
        return first if sure and best > AHEAD * max(0.0, self.explained[second]) else None


def structure(scales: U8) -> float:
    """Return the share of the spread of (N, B) scale bytes that rows and columns explain beyond chance.

    The bytes stand for their logarithms: an E4M3 byte grows by 8 where its value doubles.
    """
    rows, cols = scales.shape
    counts = _histogram(scales)
    values, size = np.arange(counts.size), scales.size
    mean = float((counts * values).sum()) / size
    total = float((counts * (values - mean) ** 2).sum()) / size
    if total == 0 or size == 1:
        return 0.0
    of_rows = float(((scales.sum(axis=1, dtype=np.int64) / cols - mean) ** 2).mean()) / total
    of_cols = float(((scales.sum(axis=0, dtype=np.int64) / rows - mean) ** 2).mean()) / total
    return float(of_rows + of_cols - (rows + cols - 2) / (size - 1))


def _histogram(scales: U8) -> F64:
    """Count each byte, a few rows at a time: NumPy's own count widens its input to 64 bits."""
    counts = np.zeros(1 << 8, dtype=np.int64)
    step = max(1, _COUNTED_AT_ONCE // scales.shape[1])
    for row in range(0, scales.shape[0], step):
        counts += np.bincount(scales[row : row + step].reshape(-1), minlength=counts.size)
    return counts.astype(np.float64)


def chance(shape: tuple[int, int]) -> float:
    """Return the variance of `structure` where rows and columns mean nothing, for large tables."""
    rows, cols = shape
    return 2.0 * (rows + cols - 2) / (float(rows * cols) * float(rows * cols))
