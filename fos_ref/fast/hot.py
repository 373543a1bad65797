"""The three inner loops, for 64 regular blocks of 16 values at a time: read, add up errors, write codes."""

from __future__ import annotations

import numpy as np

from fos_ref.fast.blocks import BFLOAT16_AT, ROW, widen_half
from fos_ref.fast.codec import U32
from fos_ref.fast.config import position
from fos_ref.fast.errors import MSE
from fos_ref.fast.lanes import AMAX, LANES, step, walk, X
from fos_ref.fast.memory import load, store
from fos_ref.fast.vector.loops import (
    encode16_bit,
    encode16_bit_divided,
    encode16_value,
    encode16_value_divided,
    read16_halves,
    read16_words,
    sum16_magnitude,
    sum16_maximum,
    sum16_square,
)
from fos_ref.fast.vector.registers import WIDTH
from fos_ref.recipes.axes import ErrorMetric

MAE = position(ErrorMetric.MAE)


@step
def read_whole(w: np.ndarray, x: tuple, dtype: int, first: int, stride: int, shape: tuple) -> None:
    """Read 64 whole blocks of shape (rows, width) and their amaxes, NaN the largest. x as in read_blocks."""
    words, halves = x
    rows, width = shape
    for i in range(LANES):
        store(w, AMAX + i, U32(0))
    for row in range(rows):
        for group in range(0, LANES, WIDTH):
            for part in range(0, width, ROW):
                at = first + row * stride + group * width + part
                if dtype == 0:
                    read16_words(w, words, at, width, row * width + part, group)
                else:
                    read16_halves(w, halves, at, width, row * width + part, group)
    if dtype > BFLOAT16_AT:
        for j in range(rows * width):
            _widen(w, X + j * LANES)
        _widen(w, AMAX)  # float16 bits are in the order of the magnitudes too, so the largest is the same


@step
def _widen(w: np.ndarray, row: int) -> None:
    """Make float32 bits of the float16 bits in the upper halves of a row's words."""
    for i in range(LANES):
        store(w, row + i, widen_half(U32(load(w, row + i) >> U32(16))))


@step
def add_errors(w: np.ndarray, metric: int, row: int, factor6: int, factor4: int) -> None:
    """Add the errors of the values from `row` on of each block to SUM6 and SUM4."""
    for group in range(0, LANES, WIDTH):
        if metric == MSE:
            sum16_square(w, row, group, factor6, factor4)
        elif metric == MAE:
            sum16_magnitude(w, row, group, factor6, factor4)
        else:
            sum16_maximum(w, row, group, factor6, factor4)


@walk
def encode(w: np.ndarray, out: np.ndarray, by_value: bool, divided: bool, row: int, to: int) -> None:
    """Write the values from `row` on of each block to words out[to] and following; factors are CHOSEN."""
    for group in range(0, LANES, WIDTH):
        if by_value and divided:
            encode16_value_divided(w, out, row, group, to + 2 * group)
        elif by_value:
            encode16_value(w, out, row, group, to + 2 * group)
        elif divided:
            encode16_bit_divided(w, out, row, group, to + 2 * group)
        else:
            encode16_bit(w, out, row, group, to + 2 * group)
