"""Adding up the terms of 64 blocks, each in the recipe's order (N12): terms lie in region D."""

from __future__ import annotations

import numpy as np

from fos_ref.fast import config as k
from fos_ref.fast.codec import F32, float_of, U32
from fos_ref.fast.config import NONE, position
from fos_ref.fast.errors import fma, terms
from fos_ref.fast.lanes import D, get, LANES, put, SCRATCH, step, walk
from fos_ref.fast.memory import load
from fos_ref.recipes.axes import Reduction

SEQUENTIAL = position(Reduction.SEQUENTIAL)
FUSED_SEQUENTIAL = position(Reduction.FUSED_SEQUENTIAL)
HALVES = position(Reduction.HALVES)
FUSED_EVEN_ODD = position(Reduction.FUSED_EVEN_ODD)
TORCH_CPU = position(Reduction.TORCH_CPU)
ROW = 16  #: values of a row of a tile
VECTOR = 8  #: float32 lanes of torch's vectorised sum
ACCUMULATORS = 4
PARTS = SCRATCH  #: rows of partial sums


@walk
def reduce_block(w: np.ndarray, c: np.ndarray, out: int) -> None:
    """Store each block's error; region D holds the differences."""
    kind, n = c[k.REDUCTION_AT], c[k.VALUES_AT]
    if kind == FUSED_SEQUENTIAL:
        _rows_fused(w, n)
        _tree(w, n // ROW, out)
        return
    if kind == FUSED_EVEN_ODD:
        _even_odd(w, n, out)
        return
    terms(w, c)
    if kind == NONE:
        _maximum(w, n, out)
    elif kind == SEQUENTIAL:
        _rows(w, n)
        _tree(w, n // ROW, out)
    elif kind == HALVES:
        _halves(w, n, out)
    elif kind == TORCH_CPU:
        _torch_cpu(w, n, out)


@step
def _maximum(w: np.ndarray, n: int, out: int) -> None:
    """Store the largest magnitude; the bits of a NaN are larger than those of any number."""
    for i in range(LANES):
        most = U32(0)
        for j in range(n):
            most = max(most, U32(load(w, D + j * LANES + i)))
        put(w, out + i, float_of(most))


@step
def _chain(w: np.ndarray, first: int, count: int, stride: int, out: int) -> None:
    """Store term `first` + the next ones at `stride`, in order."""
    for i in range(LANES):
        put(w, out + i, get(w, D + first * LANES + i))
    for j in range(1, count):
        at = D + (first + j * stride) * LANES
        for i in range(LANES):
            put(w, out + i, F32(get(w, out + i) + get(w, at + i)))


@step
def _fused_chain(w: np.ndarray, first: int, count: int, stride: int, out: int) -> None:
    """Store e = fma(d, d, e) from 0 over differences at `stride`, in order."""
    for i in range(LANES):
        put(w, out + i, F32(0))
    for j in range(count):
        at = D + (first + j * stride) * LANES
        for i in range(LANES):
            d = get(w, at + i)
            put(w, out + i, fma(d, d, get(w, out + i)))


@walk
def _rows(w: np.ndarray, n: int) -> None:
    """Store the sum of each row of 16 in its own part."""
    for row in range(max(n // ROW, 1)):
        _chain(w, row * ROW, min(n, ROW), 1, PARTS + row * LANES)


@walk
def _rows_fused(w: np.ndarray, n: int) -> None:
    for row in range(max(n // ROW, 1)):
        _fused_chain(w, row * ROW, min(n, ROW), 1, PARTS + row * LANES)


@walk
def _tree(w: np.ndarray, count: int, out: int) -> None:
    """Add `count` parts (16, or 1 and less, which is one): r[i] += r[i + count/2], and so on."""
    half = count // 2
    while half > 0:
        for row in range(half):
            _add(w, PARTS + row * LANES, PARTS + (row + half) * LANES)
        half //= 2
    for i in range(LANES):
        put(w, out + i, get(w, PARTS + i))


@step
def _add(w: np.ndarray, total: int, part: int) -> None:
    for i in range(LANES):
        put(w, total + i, F32(get(w, total + i) + get(w, part + i)))


@step
def _copy(w: np.ndarray, source: int, out: int) -> None:
    for i in range(LANES):
        put(w, out + i, get(w, source + i))


@walk
def _halves(w: np.ndarray, n: int, out: int) -> None:
    """Store elements 0..7 in order plus the others in order."""
    _chain(w, 0, VECTOR, 1, PARTS)
    _chain(w, VECTOR, n - VECTOR, 1, PARTS + LANES)
    _add(w, PARTS, PARTS + LANES)
    _copy(w, PARTS, out)


@walk
def _even_odd(w: np.ndarray, n: int, out: int) -> None:
    """Store (even + odd by fma) of elements 0..7 plus that of the others."""
    for half in range(2):
        first = half * VECTOR
        count = VECTOR // 2 if half == 0 else (n - VECTOR) // 2
        _fused_chain(w, first, count, 2, PARTS + 2 * half * LANES)
        _fused_chain(w, first + 1, count, 2, PARTS + (2 * half + 1) * LANES)
        _add(w, PARTS + 2 * half * LANES, PARTS + (2 * half + 1) * LANES)
    _add(w, PARTS, PARTS + 2 * LANES)
    _copy(w, PARTS, out)


@walk
def _torch_cpu(w: np.ndarray, n: int, out: int) -> None:
    """Store torch's order: 8 lanes of up to 4 accumulators of vectors, the accumulators, then the lanes."""
    vectors = n // VECTOR
    for j in range(VECTOR):
        total = PARTS + j * LANES
        for a in range(min(ACCUMULATORS, vectors)):
            count = (vectors - a + ACCUMULATORS - 1) // ACCUMULATORS
            part = PARTS + (VECTOR + a) * LANES
            _chain(w, a * VECTOR + j, count, ACCUMULATORS * VECTOR, part)
            if a == 0:
                _copy(w, part, total)
            else:
                _add(w, total, part)
    for j in range(1, VECTOR):
        _add(w, PARTS, PARTS + j * LANES)
    _copy(w, PARTS, out)
