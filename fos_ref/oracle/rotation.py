"""The Hadamard transform once more, on rationals: nothing is shared with fos_ref/rotate."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import isqrt

from fos_ref.oracle.exact import BFLOAT16, nearest_multiple, ONE, rounded, to_fraction


def entry(size: int) -> Fraction:
    """Return size^(-1/2) rounded to bfloat16: the root of size in units of 2^-80, then eight digits."""
    root = isqrt(size << 160)
    units = nearest_multiple(ONE << 80, root)
    return to_fraction(rounded(units, to=BFLOAT16))


def rotate(x: Sequence[Fraction], mask: int, *, inverse: bool = False) -> list[Fraction]:
    """Return the exact outputs of one block; bit i of `mask` is set where the sign of value i is -1."""
    n, h = len(x), entry(len(x))
    signed = x if inverse else [-v if mask >> r & 1 else v for r, v in enumerate(x)]
    outputs = []
    for c in range(n):
        total = Fraction(0)
        for r, v in enumerate(signed):
            total += -v if (r & c).bit_count() % 2 else v
        outputs.append(-total * h if inverse and mask >> c & 1 else total * h)
    return outputs


def to_bfloat16(v: Fraction) -> Fraction:
    """Return a rational rounded once to bfloat16, to nearest even; it must not overflow."""
    return to_fraction(rounded(v.numerator * ONE, v.denominator, to=BFLOAT16))
