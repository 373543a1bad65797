"""The exact mean and variance of a rounding, as rationals: what no number of draws gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from fos_ref.arguments import whole
from fos_ref.formats.arrays import AnyArray
from fos_ref.formats.catalog import E2M1, FormatInfo
from fos_ref.formats.codec import decode
from fos_ref.random.rules import MOST_BITS, Rule


class Moments(NamedTuple):
    """What a rounding does to one value, over all of its random numbers."""

    mean: Fraction
    variance: Fraction


def _half_up(v: Fraction) -> int:
    return (2 * v.numerator + v.denominator) // (2 * v.denominator)


def _kept_a(nu: Fraction, n: int) -> Fraction:
    return Fraction((nu * 2**n).__floor__(), 2**n)


def _kept_b(nu: Fraction, n: int) -> Fraction:
    return Fraction(_half_up(nu * 2**n), 2**n)


def _kept_c(nu: Fraction, n: int) -> Fraction:
    return Fraction(round(nu * 2**n), 2**n)


_KEPT = MappingProxyType({Rule.A: _kept_a, Rule.B: _kept_b, Rule.C: _kept_c})


def up_probability(nu: Fraction, rule: Rule, bits: int) -> Fraction:
    """Return the share of the 2^bits random numbers that take a value up: nu cut to so many bits.

    A cuts towards zero, B rounds half up, C to nearest even. So A loses 2^-(bits + 1) of a step on average
    over values whose nu is uniform, and B and C lose nothing.
    Rounding: that of the rule, once; the share is an exact Fraction.
    Raises:   InputError for a number of bits below 1 or above 32.
    """
    return _KEPT[rule](nu, whole(bits, "random bits", 1, MOST_BITS))


def moments(y: float, rule: Rule, bits: int, fmt: FormatInfo = E2M1) -> Moments:
    """Return mean and variance of a finite value's rounding, in the formats' values.

    Values above the largest are the largest, with no variance.
    Rounding: none; both are exact Fractions.
    Raises:   InputError for a number of bits below 1 or above 32.
    """
    grid = _grid(fmt)
    a, sign = abs(Fraction(y)), -1 if y < 0 else 1
    if a >= grid[-1]:
        return Moments(sign * grid[-1], Fraction(0))
    at = next(i for i in range(len(grid) - 1) if grid[i + 1] > a)
    low, step = grid[at], grid[at + 1] - grid[at]
    p = up_probability((a - low) / step, rule, bits)
    return Moments(sign * (low + p * step), step * step * p * (1 - p))


def enumerated(rounding: Callable[[AnyArray, AnyArray], AnyArray], y: float, bits: int) -> Moments:
    """Return mean and variance of any rounding of a value, by trying all of its random numbers.

    rounding: values (n,), random numbers (n,) -> rounded values (n,)
    Shapes:   n is 2^bits, with bits from 1 to 16
    Dtypes:   values float32, random numbers uint32; the moments are exact Fractions
    Raises:   InputError for another number of bits; what `rounding` raises.
    """
    count = 1 << whole(bits, "random bits", 1, 16)
    values = np.full(count, y, dtype=np.float32)
    got = [Fraction(v) for v in rounding(values, np.arange(count, dtype=np.uint32)).tolist()]
    return _moments_of(got)


def _moments_of(values: Sequence[Fraction]) -> Moments:
    mean = sum(values, start=Fraction(0)) / len(values)
    return Moments(mean, sum((v * v for v in values), start=Fraction(0)) / len(values) - mean * mean)


def _grid(fmt: FormatInfo) -> list[Fraction]:
    """Return the finite magnitudes of a format, in order."""
    codes: Any = np.arange(fmt.max_code + 1)
    return [Fraction(v) for v in decode(codes, fmt).tolist()]
