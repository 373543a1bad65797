"""Exact numbers for the oracle: float32 in whole units, one rounding an operation, no float arithmetic.

Every finite float32 is a whole number of units of 2**-149, so a value is a Python int of units; only
infinity and NaN are floats. A sum, a product or a fused multiply-add is an exact integer over a power of two,
a quotient an exact ratio of integers; each is rounded once, by `_shifted`. The E2M1, E4M3 and E5M3 magnitudes
are tables of units. Nothing here is shared with fos_ref.formats.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction
from math import inf, isnan, nan
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from fos_ref.errors import InputError

Value: TypeAlias = int | float  #: int: finite, in units of 2**-149; float: inf, -inf or nan

ONE = 1 << 149
OVERFLOW = 1 << (128 + 149)
FLT_MAX = OVERFLOW - (1 << (104 + 149))
E2M1 = tuple(n * ONE // 2 for n in (0, 1, 2, 3, 4, 6, 8, 12))
E4M3 = tuple((m if e == 0 else 8 + m) * (ONE >> 9) << max(e - 1, 0) for e in range(16) for m in range(8))[
    :127
]

E5M3 = tuple((m if e == 0 else 8 + m) * (ONE >> 17) << max(e - 1, 0) for e in range(32) for m in range(8))[
    :255
]

_EXPONENT_FIELD, _FRACTION_FIELD = 0xFF, 0x7FFFFF


class Precision(NamedTuple):
    """A binary format: significant bits, the smallest subnormal and the first power of two past its range."""

    digits: int
    step: int
    overflow: int

    @property
    def smallest_normal(self) -> int:
        """The smallest value with all its digits."""
        return self.step << (self.digits - 1)


FLOAT32 = Precision(24, 1, OVERFLOW)
BFLOAT16 = Precision(8, 1 << 16, OVERFLOW)
FLOAT16 = Precision(11, ONE >> 24, ONE << 16)
PRECISIONS = MappingProxyType({"float32": FLOAT32, "bfloat16": BFLOAT16, "float16": FLOAT16})


def from_bits(bits: int) -> Value:
    """Return the value of a float32 bit pattern; the sign of a zero is lost."""
    field, fraction = bits >> 23 & _EXPONENT_FIELD, bits & _FRACTION_FIELD
    if field == _EXPONENT_FIELD:
        size: Value = nan if fraction else inf
    else:
        size = fraction if field == 0 else (fraction | 1 << 23) << (field - 1)
    return -size if bits >> 31 else size


def to_bits(v: Value) -> int:
    """Return the float32 bit pattern of `v`: 7FC00000 for NaN, no -0."""
    if isinstance(v, float):
        return 0x7FC00000 if isnan(v) else 0x7F800000 | (v < 0) << 31
    shift = max(abs(v).bit_length() - 24, 0)
    return (shift << 23) + (abs(v) >> shift) | (v < 0) << 31


def to_fraction(v: Value) -> Fraction:
    """Return a finite value as a rational number; InputError for infinity and NaN."""
    if isinstance(v, float):
        msg = f"{v} has no exact value: finite values are allowed"
        raise InputError(msg)
    return Fraction(v, ONE)


def nearest_multiple(num: int, den: int) -> int:
    """Return num/den (both positive) as the nearest integer, ties to even."""
    n, rest = divmod(num, den)
    return n + (2 * rest > den or (2 * rest == den and n % 2 == 1))


def rounded(num: int, den: int = 1, to: Precision = FLOAT32) -> Value:
    """Return num/den units in the precision `to`, to nearest even; past the largest: infinity."""
    return _quotient(num, den, to.digits, to.step.bit_length() - 1, to.overflow)


def _quotient(num: int, den: int, digits: int = 24, coarse: int = 0, overflow: int = OVERFLOW) -> Value:
    """Return num/den (den > 0) units, rounded once; the three defaults are float32's.

    The quotient is cut off two bits below the unit, and a remainder sets the lower of them: that bit lies
    below every halfway point, so it says "more than this" and nothing else.
    """
    n, rest = divmod(abs(num) << 2, den)
    n |= rest != 0
    return _shifted(-n if num < 0 else n, 2, digits, coarse, overflow)


def _shifted(num: int, places: int, digits: int = 24, coarse: int = 0, overflow: int = OVERFLOW) -> Value:
    """Return num / 2**places units, rounded once to `digits` bits and whole multiples of 2**coarse units."""
    size = -num if num < 0 else num
    drop = max(size.bit_length() - digits, places + coarse)
    if drop:
        size = size + (1 << (drop - 1)) - 1 + (size >> drop & 1) >> drop  # half a step, less on even ones
    size <<= drop - places
    if size >= overflow:
        return -inf if num < 0 else inf
    return -size if num < 0 else size


def cast(v: Value, to: Precision) -> Value:
    """Return `v` in the precision `to`, rounded once."""
    return rounded(v, to=to) if isinstance(v, int) else v


def mul(a: Value, b: Value) -> Value:
    """Return a * b, rounded once."""
    if isinstance(a, int) and isinstance(b, int):
        return _shifted(a * b, 149)
    return _sign(a) * _sign(b)


def div(a: Value, b: Value) -> Value:
    """Return a / b, rounded once. A zero divisor counts as +0."""
    if isinstance(a, int) and isinstance(b, int) and b:
        return _quotient((a if b > 0 else -a) << 149, abs(b))
    if b == 0:
        return _sign(a) * inf
    return 0 if isinstance(a, int) and not isnan(b) else _sign(a) / _sign(b)


def add(a: Value, b: Value) -> Value:
    """Return a + b, rounded once."""
    if isinstance(a, int) and isinstance(b, int):
        return _shifted(a + b, 0)
    return (a if isinstance(a, float) else 0.0) + (b if isinstance(b, float) else 0.0)


def fma(a: Value, b: Value, c: Value) -> Value:
    """Return a * b + c, rounded once."""
    if isinstance(a, int) and isinstance(b, int):
        return _shifted(a * b + (c << 149), 149) if isinstance(c, int) else c
    return add(_sign(a) * _sign(b), c)


def _sign(v: Value) -> float:
    """Return a float that behaves as `v` beside an infinity or a NaN: finite values become -1, 0 or 1."""
    return v if isinstance(v, float) else float((v > 0) - (v < 0))


def least(a: Value, b: Value) -> Value:
    """Return the smaller value; NaN if either is."""
    return nan if isnan(a) or isnan(b) else min(a, b)


def largest(a: Value, b: Value) -> Value:
    """Return the larger value; NaN if either is."""
    return nan if isnan(a) or isnan(b) else max(a, b)


def nearest(v: Value, grid: Sequence[int]) -> int:
    """Return the index of the grid value nearest to v >= 0, ties to the even index, saturating."""
    i = bisect_left(grid, v)
    if i in (0, len(grid)):
        return min(i, len(grid) - 1)
    twice = 2 * v - (grid[i - 1] + grid[i])
    return i if twice > 0 or (twice == 0 and i % 2 == 0) else i - 1


def nearest_away(v: Value, grid: Sequence[int]) -> int:
    """Return the index of the grid value nearest to v >= 0, ties to the larger value, saturating."""
    i = bisect_left(grid, v)
    if i in (0, len(grid)):
        return min(i, len(grid) - 1)
    return i if 2 * v >= grid[i - 1] + grid[i] else i - 1


def nearest_below(v: Value, grid: Sequence[int]) -> int:
    """Return the index of the grid value nearest to v >= 0, ties to the smaller value, saturating."""
    i = bisect_left(grid, v)
    if i in (0, len(grid)):
        return min(i, len(grid) - 1)
    return i if 2 * v > grid[i - 1] + grid[i] else i - 1


def first_nearest(v: Value, grid: Sequence[int]) -> int:
    """Return the first index whose rounded distance from v >= 0 is the smallest; 0 for infinity."""
    distances = [abs(add(v, -g)) for g in grid]
    return distances.index(min(distances))
