"""Some blocks of many, always the same ones."""

from __future__ import annotations

import numpy as np

from fos_ref.formats.arrays import I64


def some_of(size: int, most: int) -> I64:
    """Return positions of blocks, spread over all of them."""
    if size <= most:
        return np.arange(size)
    rng = np.random.Generator(np.random.Philox(key=np.array([1, 0x5CA1], dtype=np.uint64)))
    return np.sort(rng.choice(size, most, replace=False))
