"""The casts of 64 block scales to E8M0, and the float32 logarithm: model/e8m0.py compiled (N7)."""

from __future__ import annotations

import math

import numpy as np

from fos_ref.fast.codec import ABS, bits_of, F32, float_of, INF, U32
from fos_ref.fast.config import position
from fos_ref.fast.lanes import get, LANES, SCRATCH, step, walk
from fos_ref.fast.memory import load, store
from fos_ref.recipes.axes import ScaleFormat

UP = position(ScaleFormat.E8M0_UP)
FLOOR = position(ScaleFormat.E8M0_FLOOR)
EVEN = position(ScaleFormat.E8M0_EVEN)
CEIL = position(ScaleFormat.E8M0_CEIL)
UP_SATFINITE = position(ScaleFormat.E8M0_UP_SATFINITE)
UP_WRAPS = position(ScaleFormat.E8M0_UP_WRAPS)

FRACTION = U32(0x7FFFFF)
FROM_1_75 = U32(0x600000)
NEVER = U32(0x800000)  #: no fraction is as large
FIELD = U32(0xFF)
BIAS = 127
SMALLEST = -149  #: the exponent of the smallest subnormal
MOST = F32(BIAS)
HALF, ONE = F32(0.5), F32(1)
ZERO = F32(0)


@step
def log2(x: np.float32) -> np.float32:
    """Return log2 of a finite x above zero, rounded once to float32."""
    return F32(math.log2(np.float64(x)))


@step
def power_of_two(e: int) -> np.float32:
    """Return 2^e for e from -149 to 128, where it is infinity."""
    if e >= 1 - BIAS:
        return float_of(U32(U32(e + BIAS) << U32(23)))
    return float_of(U32(U32(1) << U32(e - SMALLEST)))


@walk
def cast_e8m0(w: np.ndarray, kind: int, less: np.uint32, byte: int, value: int) -> None:
    """Store E8M0 bytes of the scratch row, and what they count as. N7b, N7d to N7i.

    less: what the exponent of a block amax leaves to the elements
    """
    if kind == UP:
        _up(w, byte, value)
    elif kind == FLOOR:
        _of_amax(w, NEVER, less, byte, value)
    elif kind == EVEN:
        _of_amax(w, FROM_1_75, less, byte, value)
    elif kind == CEIL:
        _of_amax(w, U32(1), less, byte, value)
    elif kind == UP_SATFINITE:
        _up_satfinite(w, byte, value)
    elif kind == UP_WRAPS:
        _up_wraps(w, byte, value)
    else:
        _nearest_log2(w, byte, value)


@step
def _up(w: np.ndarray, byte: int, value: int) -> None:
    for i in range(LANES):
        u = load(w, SCRATCH + i)
        up = U32(1) if U32(u & FRACTION) != U32(0) else U32(0)
        code = U32(U32(U32(U32(u >> U32(23)) & FIELD) + up) & FIELD)
        store(w, byte + i, code)
        store(w, value + i, U32(code << U32(23)))


@step
def _of_amax(w: np.ndarray, up_from: np.uint32, less: np.uint32, byte: int, value: int) -> None:
    for i in range(LANES):
        u = U32(load(w, SCRATCH + i) & ABS)
        up = U32(1) if U32(u & FRACTION) >= up_from else U32(0)
        code = U32(max(U32(U32(u >> U32(23)) + up), less) - less)
        code = FIELD if u > INF else code
        store(w, byte + i, code)
        store(w, value + i, U32(code << U32(23)))


@step
def exponent_up(u: np.uint32) -> int:
    """Return ceil(log2) of the magnitude bits of a finite number above zero."""
    if u >= U32(0x800000):
        field: int = np.int64(U32(u >> U32(23)))  # type: ignore[assignment]
        return field - BIAS + (1 if U32(u & FRACTION) != U32(0) else 0)
    e = SMALLEST
    while U32(U32(1) << U32(e - SMALLEST)) < u:
        e += 1
    return e


@step
def _up_satfinite(w: np.ndarray, byte: int, value: int) -> None:
    for i in range(LANES):
        u = U32(load(w, SCRATCH + i) & ABS)
        up = U32(1) if U32(u & FRACTION) != U32(0) else U32(0)
        code = min(U32(U32(u >> U32(23)) + up), U32(FIELD - U32(1)))
        code = code if u > U32(0x400000) else U32(0)  # up to 2^-127
        code = FIELD if u > INF else code
        store(w, byte + i, code)
        store(w, value + i, u if u > INF else U32(code << U32(23)))


@step
def _up_wraps(w: np.ndarray, byte: int, value: int) -> None:
    for i in range(LANES):
        u = U32(load(w, SCRATCH + i) & ABS)
        if u == U32(0) or u >= INF:
            store(w, byte + i, U32(0) if u == U32(0) else FIELD)
            store(w, value + i, u)
        else:
            e = exponent_up(u)
            store(w, byte + i, U32((e + BIAS) & 0xFF))
            store(w, value + i, bits_of(power_of_two(e)))


@step
def _nearest_log2(w: np.ndarray, byte: int, value: int) -> None:
    for i in range(LANES):
        v = get(w, SCRATCH + i)
        u = U32(bits_of(v) & ABS)
        code = U32(0)
        if u >= INF:
            code = FIELD
        elif u != U32(0):
            exponent = log2(v)
            size = float_of(U32(bits_of(exponent) & ABS))
            down = np.floor(size)
            near = F32(down + ONE) if F32(size - down) >= HALF else down
            near = min(near, MOST)
            code = U32(BIAS - np.int64(near)) if exponent < ZERO else U32(BIAS + np.int64(near))
        store(w, byte + i, code)
        store(w, value + i, U32(code << U32(23)))
