"""Reading and writing a flat array by an index that is never negative.

Numba lets a negative index count from the end, and the question whether an index is negative keeps a loop
over lanes from becoming vector instructions. An unsigned index raises no such question.
"""

from __future__ import annotations

import numpy as np
from numba import njit

U64 = np.uint64


@njit(error_model="numpy", inline="always")
def load(array: np.ndarray, index: int) -> np.uint32:
    """Return array[index]; the caller knows that it lies inside."""
    return array[U64(index)]


@njit(error_model="numpy", inline="always")
def store(array: np.ndarray, index: int, value: np.uint32) -> None:
    """Set array[index] = value, cut to the array's own integers; the caller knows that it lies inside."""
    array[U64(index)] = value
