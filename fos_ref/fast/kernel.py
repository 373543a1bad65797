"""The walk over a range of chunks: read 64 blocks, find their scales, choose, write; the rest literally."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from fos_ref.fast import config as k
from fos_ref.fast.blocks import block_amaxes, read_blocks, write_bytes, write_codes, write_scales
from fos_ref.fast.cached import cached
from fos_ref.fast.codec import F32, U32
from fos_ref.fast.config import position
from fos_ref.fast.filter import (
    decide,
    encode_regular,
    is_usual,
    keep_only,
    regular,
    usual_scales,
    write_regular,
)
from fos_ref.fast.hot import read_whole
from fos_ref.fast.lanes import DECODE, ENCODE, LANES, OPEN, put, step, TENSOR_AMAX, walk, WORDS
from fos_ref.fast.literal import block_scales, chooses, FLOAT_OR_INT, quantize_literally
from fos_ref.fast.memory import load, store
from fos_ref.fast.scales import tensor_scales
from fos_ref.fast.vector.steps import (
    decide_float_or_int,
    encode_grid,
    fill_grid,
    fill_grid_by_choice,
    invert_factors,
    NIBBLES,
    table_float,
)
from fos_ref.fast.vector.table import REGULAR
from fos_ref.recipes.axes import NonFinite

SEVEN = F32(7)
DROP_NAN = position(NonFinite.DROP_NAN)


def _stamp() -> str:
    """Return a hash of the compiled files: a cached kernel belongs to all of them, not to this file alone."""
    h = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        h.update(path.read_bytes())
    return h.hexdigest()[:16]


@step
def _row_scales(w: np.ndarray, at: np.ndarray, start: int, count: int, cols: int, scales: tuple) -> None:
    """Store the scales of the rows that blocks at[start] and following are in."""
    amax, encode, decode = scales
    for i in range(count):
        row = load(at, start + i) // cols
        put(w, TENSOR_AMAX + i, amax[row])
        put(w, ENCODE + i, encode[row])
        put(w, DECODE + i, decode[row])


@step
def _place(chunk: int, geometry: tuple) -> tuple:
    """Return where the first of a chunk's blocks begins, and how many blocks the chunk has."""
    rows, cols, block_rows, block_cols = geometry
    per_row = cols // block_cols
    if block_rows == 1:
        block = chunk * LANES
        return block * block_cols, min(LANES, rows * per_row - block)
    groups = (per_row + LANES - 1) // LANES
    line, column = chunk // groups, chunk % groups * LANES
    return line * block_rows * cols + column * block_cols, min(LANES, per_row - column)


@step
def _append(at: np.ndarray, waiting: int, first: int, width: int, count: int) -> None:
    """Store where the blocks of a chunk begin, after those that are waiting."""
    for i in range(count):
        store(at, waiting + i, first + i * width)


@step
def _append_open(w: np.ndarray, at: np.ndarray, waiting: int, first: int, width: int) -> int:
    """Store where the blocks left open of a whole chunk begin; return how many blocks are waiting."""
    for i in range(LANES):
        if load(w, OPEN + i) != U32(0):
            store(at, waiting, first + i * width)
            waiting += 1
    return waiting


@step
def _drop_first(at: np.ndarray, count: int, waiting: int) -> int:
    """Move the blocks after the first `count` to the front; return how many there are."""
    for i in range(waiting - count):
        store(at, i, load(at, count + i))
    return waiting - count


@walk
def fast_chunk(w: np.ndarray, c: np.ndarray, f: np.ndarray, two: bool) -> np.uint32:
    """Store what is kept of 64 blocks; return nonzero if some are left open: not regular, or too close."""
    below = SEVEN if c[k.ENCODER_AT] == k.E2M1_LOOPS else table_float(c, REGULAR)
    if is_usual(c):
        left = usual_scales(w, c, f, below)
    else:
        block_scales(w, c, f)
        if c[k.ENCODER_AT] == k.GRID_LOOPS_INVERTED:
            invert_factors(w)
        left = regular(w, c, below)
    if c[k.CANDIDATES_AT] == FLOAT_OR_INT:
        return decide_float_or_int(w, c)
    if two:
        return decide(w, c)
    keep_only(w, c)
    return left


@walk
def encode_chunk(
    w: np.ndarray, c: np.ndarray, out: np.ndarray, first: int, stride: int, shape: tuple
) -> None:
    """Write the codes of 64 blocks of shape (rows, width), the first at value `first`, to words of `out`."""
    rows, width = shape
    if c[k.ENCODER_AT] == k.E2M1_LOOPS:
        encode_regular(w, c, out, first // NIBBLES, stride // NIBBLES, rows)
        return
    if c[k.CANDIDATES_AT] == FLOAT_OR_INT:
        fill_grid_by_choice(w, c)
    per_word = 4 * c[k.CODES_PER_BYTE_AT]
    for row in range(rows):
        encode_grid(w, out, row * width, width, (first + row * stride) // per_word, per_word)


def _make(stamp: str) -> Any:
    """Return the kernel; `stamp` is part of its cache key, because Numba hashes what a closure holds."""

    @cached(error_model="numpy", nogil=True, fastmath=False)
    def quantize_range(x, c, f, geometry, scales, filtered, outputs, start, stop):
        """Quantize chunks start..stop.

        x flat bytes of float32, bfloat16 or float16; c and f the recipe as numbers (config.py);
        geometry (rows, cols, block rows, block cols); scales (A, S, D) of one or a row each,
        float32, and as the filter may use them; outputs (codes as uint32 words, block scale bytes, choices),
        flat. Blocks that the filter leaves open wait until there are 64 of them, and are then computed word
        for word.
        """
        # Not an assert: pytest rewrites those of a package with a plugin, and other bytecode is another key.
        _ = stamp
        _, cols, block_rows, block_cols = geometry
        codes, scale_bytes, picked = outputs
        values = x.view(np.uint32), x.view(np.uint16)
        per_row, shape = cols // block_cols, (block_rows, block_cols)
        w, at = np.empty(WORDS, np.uint32), np.empty(2 * LANES, np.int64)
        w[:] = U32(0)
        two, by_row = chooses(c), scales[0].size > 1
        tensor_scales(w, scales[0][0], scales[1][0], scales[2][0])
        fill_grid(w, c)
        waiting, chunk = 0, start
        while chunk < stop or waiting > 0:
            if waiting >= LANES or chunk == stop:
                count = min(waiting, LANES)
                if by_row:
                    _row_scales(w, at, 0, count, cols, scales)
                read_blocks(w, values, c[k.DTYPE_AT], at, count, cols, shape)
                block_amaxes(w, c[k.VALUES_AT], c[k.NONFINITE_AT] == DROP_NAN)
                block_scales(w, c, f)
                quantize_literally(w, c, f)
                if c[k.CODES_PER_BYTE_AT] == 1:
                    write_bytes(w, codes, at, count, cols, shape)
                else:
                    write_codes(w, codes, at, count, cols, shape)
                write_scales(w, scale_bytes, picked, at, count, cols, shape)
                waiting = _drop_first(at, count, waiting)
                continue
            first, count = _place(chunk, geometry)
            chunk += 1
            if count < LANES or c[k.FILTER_AT] == 0:
                _append(at, waiting, first, block_cols, count)
                waiting += count
                continue
            if by_row:
                _append(at, waiting, first, block_cols, LANES)
                _row_scales(w, at, waiting, LANES, cols, filtered)
            read_whole(w, values, c[k.DTYPE_AT], first, cols, shape)
            left = fast_chunk(w, c, f, two)
            encode_chunk(w, c, codes, first, cols, shape)
            write_regular(w, scale_bytes, picked, first // block_cols, per_row, block_rows)
            if left != 0:
                waiting = _append_open(w, at, waiting, first, block_cols)

    return quantize_range


quantize_range = _make(_stamp())
