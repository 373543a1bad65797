"""Sums of squares without rounding, in whole numbers: int64 where they fit, Python's integers elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fos_ref.formats.arrays import F64

I64: TypeAlias = NDArray[np.int64]
#: N and E: the number N * 2**E.
Scaled: TypeAlias = tuple[int, int]

_DIGITS = 53  #: of a float64
_FIT = 56  #: differences below 2**(_FIT + 1) can be squared and 32 squares added in three int64
_HALF = 29
_LOW = (1 << _HALF) - 1
_NONE = 1 << 20  #: the exponent of a zero: it does not count


@dataclass(frozen=True, slots=True)
class Rows:
    """K rows of n values, n at most 32: whole steps worth `worth` each, against x."""

    steps: I64  #: (K, n), magnitudes up to 2**digits
    worth: F64  #: (K,)
    x: F64  #: (K, n)
    digits: int = 4


def squares(rows: Rows) -> list[Scaled]:
    """Return the sum over each row of (steps * worth - x)^2, exactly.

    Every value is M * 2^e, M a whole number of at most 53 bits. With E the least e of a row, all its
    differences are whole multiples of 2^E. Where none of their operands reaches 2^(E + 56), int64 holds them;
    the other rows take Python's integers.
    """
    used = np.where((rows.steps != 0).any(axis=1), rows.worth, 0.0)
    worth, worth_exp, worth_top = _whole(used)
    x, x_exp, x_top = _whole(rows.x)
    low = np.minimum(x_exp.min(axis=1), worth_exp)
    low = np.where(low == _NONE, 0, low)
    fits = np.maximum(x_top.max(axis=1), worth_top + rows.digits) - low <= _FIT
    shift = np.where(fits & (worth != 0), worth_exp - low, 0)
    shifts = np.where(fits[:, None] & (x != 0), x_exp - low[:, None], 0)
    d = rows.steps * (worth << shift)[:, None] - (x << shifts)
    totals = _in_int64(d)
    for k in np.flatnonzero(~fits).tolist():
        pairs = zip(x[k].tolist(), x_exp[k].tolist(), strict=True)
        e = int(low[k])
        p = int(worth[k]) << (int(worth_exp[k]) - e if worth[k] else 0)
        inputs = [m << (exp - e) if m else 0 for m, exp in pairs]
        totals[k] = sum((n * p - v) ** 2 for n, v in zip(rows.steps[k].tolist(), inputs, strict=True))
    return list(zip(totals, (2 * low).tolist(), strict=True))


def _whole(v: F64) -> tuple[I64, I64, I64]:
    """Return (M, e, top) with v = M * 2^e, M odd, and |v| < 2^top; a zero has M = 0 and counts nowhere."""
    fraction, exponent = np.frexp(v)
    top = exponent.astype(np.int64)
    m = np.ldexp(fraction, _DIGITS).astype(np.int64)
    zeros = np.frexp((m & -m).astype(np.float64))[1].astype(np.int64) - 1  # trailing ones of a zero: -1
    m >>= np.maximum(zeros, 0)
    none = m == 0
    return m, np.where(none, _NONE, top - _DIGITS + zeros), np.where(none, -_NONE, top)


def _in_int64(d: I64) -> list[int]:
    """Return the sum of squares of each row of differences below 2^57.

    d = h * 2^29 + l with |h| <= 2^28 and 0 <= l < 2^29: the sums of h*h, h*l and l*l over 32 values stay
    below 2^63.
    """
    h, low = d >> _HALF, d & _LOW
    parts = ((h * h).sum(axis=1), (h * low).sum(axis=1), (low * low).sum(axis=1))
    return [
        (hh << 2 * _HALF) + (hl << (_HALF + 1)) + ll
        for hh, hl, ll in zip(*(p.tolist() for p in parts), strict=True)
    ]
