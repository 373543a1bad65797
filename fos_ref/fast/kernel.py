"""The walk over a range of chunks: read 64 blocks, find their scales, choose, write."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

from fos_ref.fast import config as k
from fos_ref.fast.blocks import block_amaxes, numbers_only, read_blocks, write_codes, write_scales
from fos_ref.fast.codec import U32
from fos_ref.fast.config import position
from fos_ref.fast.filter import (
    decide,
    encode_regular,
    is_usual,
    keep_only,
    regular,
    usual_and_regular,
    write_regular,
)
from fos_ref.fast.hot import read16_bfloat16, read16_float16, read16_float32
from fos_ref.fast.lanes import AMAX, CHOICE, DECODE, ENCODE, LANES, put, step, TENSOR_AMAX, walk, WORDS
from fos_ref.fast.literal import block_scales, chooses, quantize_literally
from fos_ref.fast.memory import store
from fos_ref.fast.scales import tensor_scales
from fos_ref.recipes.axes import NonFinite

DROP_NAN = position(NonFinite.DROP_NAN)
ROW = 16


def _stamp() -> str:
    """Return a hash of the compiled files: a cached kernel belongs to all of them, not to this file alone."""
    h = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        h.update(path.read_bytes())
    return h.hexdigest()[:16]


@step
def _row_scales(w: np.ndarray, first: int, per_row: int, scales: tuple) -> None:
    """Store the scales of each block's own row."""
    amax, encode, decode = scales
    for i in range(LANES):
        row = min((first + i) // per_row, amax.size - 1)
        put(w, TENSOR_AMAX + i, amax[row])
        put(w, ENCODE + i, encode[row])
        put(w, DECODE + i, decode[row])


@step
def _read_whole(w: np.ndarray, x: np.ndarray, dtype: int, first: int, stride: int, rows: int) -> None:
    """Read 64 whole blocks and their amaxes; a NaN is the largest."""
    for i in range(LANES):
        store(w, AMAX + i, U32(0))
    for row in range(rows):
        for group in range(0, LANES, ROW):
            at = first + row * stride + group * ROW
            if dtype == 0:
                read16_float32(w, x, at, row * ROW, group)
            elif dtype == 1:
                read16_bfloat16(w, x, at, row * ROW, group)
            else:
                read16_float16(w, x, at, row * ROW, group)


@walk
def fast_chunk(w: np.ndarray, c: np.ndarray, f: np.ndarray, two: bool) -> bool:
    """Store what is kept of 64 blocks, if all are regular and no choice is close; else return False."""
    if is_usual(c):
        if not usual_and_regular(w, two):
            return False
    else:
        block_scales(w, c, f)
        if not regular(w, c):
            return False
    if two:
        return decide(w, c)
    keep_only(w, c)
    return True


def _make(stamp: str) -> Any:
    """Return the kernel; `stamp` is part of its cache key, because Numba hashes what a closure holds."""

    @njit(error_model="numpy", nogil=True, fastmath=False, cache=True)
    def quantize_range(x, c, f, geometry, scales, outputs, start, stop):
        """Quantize chunks start..stop.

        x flat bytes of float32, bfloat16 or float16; geometry (rows, cols, block rows, block cols); scales
        (A, S, D) of one or a row each, float32; outputs (codes as uint32 words, block scale bytes, choices),
        flat.
        """
        assert stamp
        rows, cols, block_rows, block_cols = geometry
        codes, scale_bytes, picked = outputs
        per_row = cols // block_cols
        w = np.empty(WORDS, np.uint32)
        w[:] = U32(0)
        shape = (block_rows, block_cols)
        two = chooses(c)
        groups = (per_row + LANES - 1) // LANES
        tensor_scales(w, scales[0][0], scales[1][0], scales[2][0])
        for chunk in range(start, stop):
            if block_rows == 1:
                block = chunk * LANES
                count = min(LANES, rows * per_row - block)
                first, out = block * block_cols, block
            else:
                line, column = chunk // groups, chunk % groups * LANES
                count = min(LANES, per_row - column)
                first = line * block_rows * cols + column * block_cols
                out = line * block_rows * per_row + column
            if scales[0].size > 1:
                _row_scales(w, chunk * LANES, per_row, scales)
            whole = count == LANES and block_cols == ROW
            if whole:
                _read_whole(w, x, c[k.DTYPE_AT], first, cols, block_rows)
            else:
                read_blocks(w, x, c[k.DTYPE_AT], first, cols, shape, count)
            clean = whole and c[k.FILTER_AT] != 0 and numbers_only(w)
            if not whole or c[k.NONFINITE_AT] == DROP_NAN:
                block_amaxes(w, c[k.VALUES_AT], c[k.NONFINITE_AT] == DROP_NAN)
            if clean and fast_chunk(w, c, f, two):
                encode_regular(w, c, codes, first // 8, cols // 8, block_rows)
                write_regular(w, scale_bytes, picked, out, per_row, block_rows)
            else:
                block_scales(w, c, f)
                quantize_literally(w, c, f)
                write_codes(w, codes, first, cols, shape, count)
                write_scales(w, scale_bytes, picked, CHOICE, out, per_row, block_rows, count)

    return quantize_range


quantize_range = _make(_stamp())
