"""SplitMix64 by counter: the random words of the vectors, whole numbers on every machine, in any language."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

U64: TypeAlias = NDArray[np.uint64]

STEP = 0x9E3779B97F4A7C15  #: SplitMix64's three constants
MIX = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
_MASK = (1 << 64) - 1


def words(seed: int, count: int) -> U64:
    """Return the first `count` outputs of SplitMix64 from `seed`.

    Spec: z = seed + (j + 1) * STEP for j = 0, 1, ...; z = (z ^ z >> 30) * MIX[0]; z = (z ^ z >> 27) * MIX[1];
          z ^ z >> 31, all modulo 2^64.
    """
    z = np.arange(1, count + 1, dtype=np.uint64)
    z *= np.uint64(STEP)
    z += np.uint64(seed & _MASK)
    for shift, factor in zip((30, 27), MIX, strict=True):
        z ^= z >> np.uint64(shift)
        z *= np.uint64(factor)
    z ^= z >> np.uint64(31)
    return z
