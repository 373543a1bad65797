"""A power by square roots of integers, for the metric that is no square (N11)."""

from __future__ import annotations

from functools import cache
from math import isqrt

from fos_ref.oracle.exact import cast, ONE, Precision, rounded, Value

DIGITS = 160  #: bits of a significand; square roots and products cut off what is below
UNIT = 149

Real = tuple[int, int]  #: size * 2**scale


@cache
def exponent(to: Precision) -> tuple[int, int]:
    """Return float32 of 2.4, rounded to `to`, as (p, k): p / 2**k."""
    short = cast(rounded(24 * ONE, 10), to)
    assert isinstance(short, int)
    zeros = (short & -short).bit_length() - 1
    return short >> zeros, UNIT - zeros


@cache
def power(v: int, to: Precision) -> Value:
    """Return v ** (p / 2**k) of a finite v of 0 and above, rounded to float32 and then to `to`. N11.

    v and its repeated square roots are multiplied as the binary digits of the exponent say. Each step is cut
    off at 160 bits; no float32 has a power halfway between two, but those that have an exact one.
    """
    if v == 0:
        return 0
    p, places = exponent(to)
    part, total = _normal(v, -UNIT), (1, 0)
    for _ in range(p >> places):
        total = _times(total, part)
    for place in range(places - 1, -1, -1):
        part = _root(part)
        total = _times(total, part) if p >> place & 1 else total
    size, scale = total
    shift = scale + UNIT
    return cast(rounded(size << shift) if shift >= 0 else rounded(size, 1 << -shift), to)


def _normal(size: int, scale: int) -> Real:
    more = DIGITS - size.bit_length()
    return (size << more if more >= 0 else size >> -more), scale - more


def _times(a: Real, b: Real) -> Real:
    return _normal(a[0] * b[0], a[1] + b[1])


def _root(a: Real) -> Real:
    size, scale = a
    odd = scale & 1
    return _normal(isqrt(size << (DIGITS + odd)), (scale - odd - DIGITS) // 2)
