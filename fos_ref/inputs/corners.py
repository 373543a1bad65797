"""Small tensors that reach the corners: non-finite values, tiny and huge amaxes, wrong amaxes, zeros."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ml_dtypes
import numpy as np

from fos_ref.formats import decode, UE4M3
from fos_ref.formats.arrays import AnyArray, F32
from fos_ref.recipes.recipe import SCALE_BOUNDS

_RAMP = (1.0, -0.75, 0.5, -0.25, 0.125, 0.0, -0.0, 0.3, -0.3, 0.9, -0.6, 0.05, 1e-3, -1e-3, 0.45, -0.8)


def ramps(block_rows: int, block_cols: int) -> Iterator[tuple[AnyArray, Any]]:
    """Yield (x, the caller's amax or None) of ordinary values, one block each, then two blocks.

    Shapes: (block_rows, block_cols), (2 * block_rows, block_cols)
    """
    ramp = _ramp(block_rows, block_cols)
    rows = np.arange(1, block_rows + 1, dtype=np.float32)[:, None]
    yield ramp, None
    yield ramp / rows, None
    for dtype in (ml_dtypes.bfloat16, np.float16):
        yield (ramp * np.float32(0.7)).astype(dtype), None
        yield ramp.astype(dtype), np.float32(5.03125)
    yield np.concatenate([ramp, ramp * np.float32(0.37)]), None


def corners(block_rows: int, block_cols: int) -> Iterator[tuple[AnyArray, Any]]:
    """Yield (x, the caller's amax or None) of what breaks implementations, one block each, then two blocks.

    Shapes: as `ramps`
    """
    ramp = _ramp(block_rows, block_cols)
    found = [*_special_values(ramp), *_extreme_amaxes(ramp)]
    yield from sorted(found, key=lambda pair: pair[0].size)


def _ramp(block_rows: int, block_cols: int) -> F32:
    return np.resize(np.array(_RAMP, dtype=np.float32), (block_rows, block_cols)).copy()


def _special_values(ramp: F32) -> Iterator[tuple[AnyArray, Any]]:
    """Yield NaN, infinity, zeros and negative zeros, alone in a block and beside an ordinary block."""
    for value in (np.nan, np.inf, -np.inf):
        x = ramp.copy()
        x[0, 0] = value
        yield x, None
        yield np.concatenate([x, ramp]), None
        yield x, np.float32(2)
    yield np.zeros_like(ramp), None
    yield -np.zeros_like(ramp), None
    yield -np.zeros_like(ramp), np.float32(1)
    yield np.concatenate([np.zeros_like(ramp), ramp]), None


def _extreme_amaxes(ramp: F32) -> Iterator[tuple[AnyArray, Any]]:
    """Yield tiny, huge and wrong tensor amaxes, and blocks far below the tensor amax."""
    for scale in (1e-45, 1e-40, 1e-37, 1e-30, 1e30, 3e38):
        x = (ramp.astype(np.float64) * scale).astype(np.float32)
        yield x, None
        yield np.concatenate([x, np.zeros_like(x)]), None
    for amax in (0.0, 1e-38, 1e-3, 0.1, 3e38):
        yield ramp, np.float32(amax)
    for exponent in range(4, 26):
        yield ramp * np.float32(2.0**-exponent), np.float32(1)


def scale_midpoints(block_rows: int, block_cols: int) -> F32:
    """Return blocks whose scale falls on or beside a midpoint of E4M3, for a tensor amax of 1.

    Shapes:  (2520 * block_rows, block_cols): every midpoint between scales of 256/A and below, mapped to 6
             and to 4, under both bounds, with the block amax from 2 float32 steps below to 2 above. The
             other values are 3/4, 1/2 and 1/4 of the amax, which map-to-4 holds exactly.
    """
    codes = decode(np.arange(127), UE4M3)
    midpoints = (codes[1:] + codes[:-1]) / 2
    amaxes = np.concatenate([midpoints * m / (6.0 * bound) for m in (6, 4) for bound in SCALE_BOUNDS])
    nearest = np.minimum(amaxes, 1).astype(np.float32)
    steps = nearest.view(np.int32)[:, None] + np.arange(-2, 3, dtype=np.int32)
    b = np.minimum(steps.view(np.float32).reshape(-1, 1, 1), np.float32(1))
    pattern = np.resize(np.array([1, -0.75, 0.5, -0.25], dtype=np.float32), (block_rows, block_cols))
    blocks: F32 = b * pattern
    return blocks.reshape(-1, block_cols)
