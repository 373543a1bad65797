"""From memory to lanes and back: 64 blocks are read value by value into rows, and written as bytes.

`at` holds the position in x of each block's first value; the next row of a tile lies `stride` values further.
"""

from __future__ import annotations

import numpy as np

from fos_ref.fast.codec import ABS, bits_of, F32, float_of, INF, U32
from fos_ref.fast.lanes import AMAX, CHOICE, CODES4, CODES6, KEPT, LANES, PICKED, step, X
from fos_ref.fast.memory import load, store
from fos_ref.fast.scales import HALF_TO_F32

BFLOAT16_AT = 1
ROW = 16
CODES_PER_WORD = 8
BYTES_PER_WORD = 4


@step
def widen_half(h: np.uint32) -> np.uint32:
    """Return the float32 bits of a float16's bits: exact, subnormals, infinities and NaN included."""
    v = U32(bits_of(F32(float_of(U32(U32(h & U32(0x7FFF)) << U32(13))) * HALF_TO_F32)))
    v = U32(v | INF) if U32(h & U32(0x7C00)) == U32(0x7C00) else v
    return U32(v | U32(U32(h & U32(0x8000)) << U32(16)))


@step
def read_blocks(
    w: np.ndarray, x: tuple, dtype: int, at: np.ndarray, count: int, stride: int, shape: tuple
) -> None:
    """Read `count` blocks of shape (rows, width) into region X as float32 bits; the other lanes become 0.

    x: the input's bytes as 32-bit words and as half words; dtype says which are its values.
    """
    rows, width = shape
    for row in range(rows):
        for j in range(width):
            _read_value(w, x, dtype, at, row * stride + j, X + (row * width + j) * LANES, count)


@step
def _read_value(w: np.ndarray, x: tuple, dtype: int, at: np.ndarray, j: int, to: int, count: int) -> None:
    words, halves = x
    if dtype == 0:
        for i in range(count):
            store(w, to + i, load(words, load(at, i) + j))
    elif dtype == BFLOAT16_AT:
        for i in range(count):
            store(w, to + i, U32(U32(load(halves, load(at, i) + j)) << U32(16)))
    else:
        for i in range(count):
            store(w, to + i, widen_half(U32(load(halves, load(at, i) + j))))
    for i in range(count, LANES):
        store(w, to + i, U32(0))


@step
def block_amaxes(w: np.ndarray, values: int, drop_nan: bool) -> None:
    """Store each block's largest magnitude; NaN is the largest bit pattern, unless it is dropped. N4."""
    for i in range(LANES):
        store(w, AMAX + i, U32(0))
    for j in range(values):
        for i in range(LANES):
            a = U32(load(w, X + j * LANES + i) & ABS)
            a = U32(0) if drop_nan and a > INF else a
            store(w, AMAX + i, max(U32(load(w, AMAX + i)), a))


@step
def write_codes(
    w: np.ndarray, out: np.ndarray, at: np.ndarray, count: int, stride: int, shape: tuple
) -> None:
    """Write the kept codes, eight to a word: element 2j in the low nibble of byte j. N15.

    A code above 15 spills into the high nibble of its byte by OR; one in the high nibble loses its top.
    """
    rows, width = shape
    for row in range(rows):
        for part in range(width // CODES_PER_WORD):
            j = row * width + part * CODES_PER_WORD
            to = row * stride // CODES_PER_WORD + part
            for i in range(count):
                codes = CODES4 if load(w, PICKED + i) != U32(0) else CODES6
                word = U32(0)
                for n in range(0, CODES_PER_WORD, 2):
                    low = U32(load(w, codes + (j + n) * LANES + i) & U32(0xFF))
                    high = U32(load(w, codes + (j + n + 1) * LANES + i) & U32(0xF))
                    word = U32(word | U32(U32(low | U32(high << U32(4))) << U32(4 * n)))
                store(out, to + load(at, i) // CODES_PER_WORD, word)


@step
def write_bytes(
    w: np.ndarray, out: np.ndarray, at: np.ndarray, count: int, stride: int, shape: tuple
) -> None:
    """Write the kept codes, one a byte: those that do not have 4 bits. N15."""
    rows, width = shape
    for row in range(rows):
        for part in range(width // BYTES_PER_WORD):
            j = row * width + part * BYTES_PER_WORD
            to = row * stride // BYTES_PER_WORD + part
            for i in range(count):
                codes = CODES4 if load(w, PICKED + i) != U32(0) else CODES6
                word = U32(0)
                for n in range(BYTES_PER_WORD):
                    word = U32(word | U32(U32(load(w, codes + (j + n) * LANES + i)) << U32(8 * n)))
                store(out, to + load(at, i) // BYTES_PER_WORD, word)


@step
def write_scales(
    w: np.ndarray,
    scales: np.ndarray,
    picked: np.ndarray,
    at: np.ndarray,
    count: int,
    stride: int,
    shape: tuple,
) -> None:
    """Write the kept block scale bytes and the choices as they were made, once for each row of a tile."""
    rows, width = shape
    for row in range(rows):
        for i in range(count):
            block = (load(at, i) + row * stride) // width
            store(scales, block, np.uint8(load(w, KEPT + i)))
            store(picked, block, np.uint8(load(w, CHOICE + i)))
