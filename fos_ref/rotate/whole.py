"""Sums without rounding: floats as whole multiples of a power of two, in int64 or Python's integers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fos_ref.formats.arrays import AnyArray, Bool, F64, I64

_DIGITS = 53
_FIT = 62  #: bits of an int64 that a sum may fill
_NONE = 1 << 20  #: the exponent of a zero: it does not count


class Wholes(NamedTuple):
    """Rows of finite values odd * 2^low; a row's unit is the lowest bit that any of its values has set."""

    odd: I64  #: (K, n); 0 for a zero
    low: I64  #: (K, n); any number for a zero
    unit: I64  #: (K,); 0 for a row of zeros
    bits: I64  #: (K,): from the unit to above the largest value

    @classmethod
    def of(cls, x: F64) -> Wholes:
        """Return rows (K, n) of finite values as whole numbers, exactly."""
        fraction, exponent = np.frexp(x)
        m = np.ldexp(fraction, _DIGITS).astype(np.int64)
        zeros = np.frexp((m & -m).astype(np.float64))[1].astype(np.int64) - 1  # trailing zeros; -1 of a zero
        none = m == 0
        low = np.where(none, _NONE, exponent.astype(np.int64) - _DIGITS + zeros)
        least = low.min(axis=1)
        unit = np.where(least == _NONE, 0, least)
        bits = np.maximum(np.where(none, -_NONE, exponent).max(axis=1) - unit, 0)
        return cls(m >> np.maximum(zeros, 0), np.where(none, unit[:, None], low), unit, bits)

    def fit(self, spare: int) -> Bool:
        """Return which rows fit into int64 with `spare` bits left above the largest value."""
        fitting: Bool = self.bits + spare <= _FIT
        return fitting

    def whole(self, rows: Bool, dtype: type[np.int64 | object]) -> AnyArray:
        """Return some rows in their units, as int64 or as Python's integers."""
        shift = self.low[rows] - self.unit[rows, None]
        shifted: AnyArray = self.odd[rows].astype(dtype) << shift.astype(dtype)
        return shifted


def to_float(whole: AnyArray, unit: I64) -> F64:
    """Return whole * 2^unit as float64: exact, or odd where it is not.

    An odd result rounds to 51 bits and fewer as the exact number would. So one cast more, to float32 or to
    bfloat16, is the one rounding of the number.
    """
    if whole.dtype == object:
        return np.array([_odd(int(n), int(e)) for n, e in zip(whole, unit, strict=True)], dtype=np.float64)
    near = whole.astype(np.float64)
    rest = whole - near.astype(np.int64)  # |whole| is below 2^62, so the cast back is defined
    odd = np.nextafter(near, np.copysign(np.inf, rest.astype(np.float64)))
    inexact = (rest != 0) & ((near.view(np.int64) & 1) == 0)
    return np.ldexp(np.where(inexact, odd, near), unit.astype(np.int32))


def _odd(n: int, e: int) -> float:
    """Return n * 2^e as above, from Python's integers."""
    shift = max(abs(n).bit_length() - _DIGITS, 0)
    kept = abs(n) >> shift
    kept |= abs(n) != kept << shift
    return float(np.ldexp(float(kept if n >= 0 else -kept), e + shift))
