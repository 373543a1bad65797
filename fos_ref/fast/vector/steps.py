"""The steps of a chunk of 64 regular blocks whose codes or whose choice are not those of E2M1 alone."""

from __future__ import annotations

import numpy as np

from fos_ref.fast import config as k
from fos_ref.fast.codec import F32, float_of, U32
from fos_ref.fast.config import position
from fos_ref.fast.errors import MSE
from fos_ref.fast.hot_scales import judge_magnitudes, judge_squares
from fos_ref.fast.lanes import (
    BYTE4,
    BYTE6,
    CHOICE,
    FACTOR4,
    FACTOR6,
    fill,
    get,
    GRID,
    LANES,
    put,
    SCALE4,
    SCALE6,
    step,
    SUM4,
    SUM6,
    walk,
    WORDS_OF_CODES,
)
from fos_ref.fast.memory import load, store
from fos_ref.fast.scales import ONE, ZERO
from fos_ref.fast.vector import table as t
from fos_ref.fast.vector.casts import bytes16, nibbles16, write16_1, write16_2, write16_4, write16_8
from fos_ref.fast.vector.registers import WIDTH
from fos_ref.fast.vector.sums import add8_magnitude, add8_maximum, add8_square, ROWS
from fos_ref.recipes.axes import ErrorMetric

MAE = position(ErrorMetric.MAE)
FLAG = U32(0x80)  #: of a scale byte: the codes are integers
SECOND = k.TABLE_AT + t.SECOND
NIBBLES, BYTES = 8, 4  #: codes of a word


@step
def table_float(c: np.ndarray, at: int) -> np.float32:
    """Return a float32 of the recipe's table."""
    return float_of(U32(c[k.TABLE_AT + at]))


@step
def fill_grid(w: np.ndarray, c: np.ndarray) -> None:
    """Store the fields of the first candidate for every lane."""
    for field in range(t.FIELDS):
        v = U32(c[k.TABLE_AT + field])
        for i in range(LANES):
            store(w, GRID + field * LANES + i, v)


@step
def fill_grid_by_choice(w: np.ndarray, c: np.ndarray) -> None:
    """Store for every lane the fields of the candidate that is kept."""
    for field in range(t.FIELDS):
        first, second = U32(c[k.TABLE_AT + field]), U32(c[SECOND + field])
        for i in range(LANES):
            store(w, GRID + field * LANES + i, second if load(w, CHOICE + i) != U32(0) else first)


@step
def share_scale(w: np.ndarray) -> None:
    """Store the one block scale for the second candidate too, its byte with the flag."""
    for i in range(LANES):
        store(w, SCALE4 + i, load(w, SCALE6 + i))
        store(w, FACTOR4 + i, load(w, FACTOR6 + i))
        store(w, BYTE4 + i, U32(load(w, BYTE6 + i) | FLAG))


@walk
def decide_float_or_int(w: np.ndarray, c: np.ndarray) -> np.uint32:
    """Store the choice of 64 blocks, leave open where errors are too close; return nonzero if any is open."""
    share_scale(w)
    fill(w, SUM6, ZERO)
    fill(w, SUM4, ZERO)
    metric = c[k.ERROR_METRIC_AT]
    for row in range(0, c[k.VALUES_AT], ROWS):
        for group in range(0, LANES, WIDTH):
            if metric == MSE:
                add8_square(w, c, row, group)
            elif metric == MAE:
                add8_magnitude(w, c, row, group)
            else:
                add8_maximum(w, c, row, group)
    if metric == MSE:
        return judge_squares(w, table_float(c, t.STEEP), table_float(c, t.SQUARES))
    constant = t.MAGNITUDES if metric == MAE else t.MAXIMUM
    return judge_magnitudes(w, table_float(c, t.SLOPE), table_float(c, constant))


@step
def invert_factors(w: np.ndarray) -> None:
    """Store the reciprocals of divisors that are powers of two: exact, or infinite, which is not regular."""
    for i in range(LANES):
        put(w, FACTOR6 + i, F32(ONE / get(w, FACTOR6 + i)))


@step
def encode_grid(w: np.ndarray, out: np.ndarray, row: int, width: int, to: int, per_word: int) -> None:
    """Write the values row..row + width of each block to words out[to] and following; factors are CHOSEN."""
    words = width // per_word
    for group in range(0, LANES, WIDTH):
        for i in range(words):
            at = WORDS_OF_CODES + i * LANES
            if per_word == NIBBLES:
                nibbles16(w, row + i * NIBBLES, group, at)
            else:
                bytes16(w, row + i * BYTES, group, at)
        place = to + group * words
        if words == 1:
            write16_1(w, out, group, place)
        elif words == 2:
            write16_2(w, out, group, place)
        elif words == 4:
            write16_4(w, out, group, place)
        else:
            write16_8(w, out, group, place)
