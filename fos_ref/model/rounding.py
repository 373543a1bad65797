"""Two roundings that NumPy has no operation for: fused multiply-add, and to the input's own dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from fos_ref.formats.arrays import F32, F64


def fma(a: F32, b: F32, c: F32) -> F32:
    """Return a*b + c with one rounding, to nearest even.

    The product of two float32 is exact in float64. The float64 sum is made odd where it is inexact (its last
    bit is set towards the truth), after which the cast to float32 rounds as the exact sum would: 53 bits are
    more than the 24 + 2 that this needs. Infinities and NaN follow IEEE 754.
    """
    product = a.astype(np.float64) * b.astype(np.float64)
    addend = c.astype(np.float64)
    total = product + addend
    return _to_odd(total, _sum_error(product, addend, total)).astype(np.float32)


def _sum_error(a: F64, b: F64, total: F64) -> F64:
    """Return the exact (a + b) - total, Knuth's two-sum; NaN where total is not finite."""
    virtual = total - a
    return (a - (total - virtual)) + (b - virtual)


def _to_odd(total: F64, error: F64) -> F64:
    """Return `total`, moved to its odd neighbour on the side of `error` where it is even and inexact."""
    even = (total.view(np.int64) & 1) == 0
    inexact = np.isfinite(total) & (error != 0)
    neighbour = np.nextafter(total, np.copysign(np.inf, error))
    return np.where(even & inexact, neighbour, total)


def moved(x: F32, ulps: int) -> F32:
    """Return float32 values moved up by `ulps` steps: what an approximate instruction may give instead."""
    for _ in range(abs(ulps)):
        x = np.nextafter(x, np.float32(np.copysign(np.inf, ulps)))
    return x


def to_dtype(x: F32, dtype: np.dtype[Any]) -> F32:
    """Return float32 values rounded to `dtype` (float32, float16, bfloat16), nearest even, as float32."""
    return x.astype(dtype).astype(np.float32)
