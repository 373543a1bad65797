"""What a mistake gives, and products in float64."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fos_ref.formats.arrays import F64


class Given(NamedTuple):
    """What a mistake gives: a name, words, the output, and the magnitude of its terms."""

    name: str
    says: str
    output: F64
    size: F64


def product(left: F64, right: F64) -> tuple[F64, F64]:
    """Return (sums, sums of magnitudes) in float64: far nearer than any float32 sum."""
    return left @ right.T, np.abs(left) @ np.abs(right).T
