"""The scratch of one chunk: 64 blocks side by side, one per lane, so that every step is a loop over lanes.

Everything lies in one uint32 array, row after row of LANES words: with one base pointer and constant
offsets the compiler sees that rows do not overlap, and vectorises. Float32 values are kept as their bits.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from fos_ref.fast.codec import bits_of, float_of
from fos_ref.fast.memory import load, store

LANES = 64
MAX_VALUES = 256  #: values of the largest block, a 16x16 tile
_REGION = (MAX_VALUES + 4) * LANES  #: a little more than a power of two, so that regions do not alias


# Offsets of the regions with a row per value of the block, and of the rows with one word per block.
X = 0 * _REGION  #: input bits
D = 1 * _REGION  #: values of the codes, then differences
CODES6 = 2 * _REGION
CODES4 = 3 * _REGION
_ROWS = 4 * _REGION
AMAX = _ROWS + 0 * LANES  #: block amax b
TENSOR_AMAX = _ROWS + 1 * LANES
ENCODE = _ROWS + 2 * LANES
DECODE = _ROWS + 3 * LANES
BASE6 = _ROWS + 4 * LANES
BASE4 = _ROWS + 5 * LANES
BYTE6 = _ROWS + 6 * LANES  #: block scale bytes
BYTE4 = _ROWS + 7 * LANES
SCALE6 = _ROWS + 8 * LANES  #: their values
SCALE4 = _ROWS + 9 * LANES
FACTOR6 = _ROWS + 10 * LANES  #: what x is multiplied or divided by
FACTOR4 = _ROWS + 11 * LANES
ERROR6 = _ROWS + 12 * LANES
ERROR4 = _ROWS + 13 * LANES
PICKED = _ROWS + 14 * LANES  #: 1 where map-to-4 is kept
KEPT = _ROWS + 15 * LANES  #: the scale byte that is kept
EXPANDED = _ROWS + 16 * LANES  #: 1.5 * b
SUM6 = _ROWS + 17 * LANES  #: cheap errors of the filter
SUM4 = _ROWS + 18 * LANES
CHOSEN = _ROWS + 19 * LANES  #: the factor of the candidate that is kept
CHOICE = _ROWS + 20 * LANES  #: the choice as it was made; PICKED says whose codes are kept
INVERSE6 = _ROWS + 21 * LANES  #: what the filter multiplies by: the factor, or its reciprocal
INVERSE4 = _ROWS + 22 * LANES
OPEN = _ROWS + 23 * LANES  #: not 0 where the filter leaves a block to the literal path
SCRATCH = _ROWS + 24 * LANES  #: rows for whoever needs one
_SPARE = 24
GRID = SCRATCH + _SPARE * LANES  #: of the candidate that is kept: the fields of vector/table.py, a row each
_FIELDS = 16
WORDS_OF_CODES = GRID + _FIELDS * LANES  #: rows of words of codes, before they are written
_WORDS_OF_CODES = 8
WORDS = WORDS_OF_CODES + _WORDS_OF_CODES * LANES

#: IEEE division, no reassociation, no fused multiply-add, no GIL; called by compiled code only.
_OPTIONS = {"error_model": "numpy", "nogil": True, "fastmath": False}
step = njit(**_OPTIONS, no_cpython_wrapper=True, no_cfunc_wrapper=True)
#: A function that only calls steps: it becomes part of its caller, because each level of compiled calls is
#: optimised again with all that lies below it.
walk = njit(**_OPTIONS, inline="always")


@step
def get(w: np.ndarray, at: int) -> np.float32:
    """Return the float32 at a word."""
    return float_of(load(w, at))


@step
def put(w: np.ndarray, at: int, value: np.float32) -> None:
    """Store a float32 at a word."""
    store(w, at, bits_of(value))


@step
def fill(w: np.ndarray, row: int, value: np.float32) -> None:
    """Store one float32 in every lane of a row."""
    for i in range(LANES):
        store(w, row + i, bits_of(value))
