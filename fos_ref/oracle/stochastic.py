"""Philox and stochastic rounding once more, on Python's integers and rationals.

Nothing is shared with fos_ref/random. Words are ints, values are rationals, and a format is the list of its
magnitudes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction

from fos_ref.oracle.exact import FLOAT32, nearest_multiple, ONE

_SIZE = 1 << 32


def philox4x32(counter: Sequence[int], key: Sequence[int], rounds: int = 10) -> tuple[int, int, int, int]:
    """Return the four words of one counter under one key."""
    x, y, z, w = counter
    a, b = key
    for _ in range(rounds):
        high, low = divmod(0xCD9E8D57 * z, _SIZE)
        top, bottom = divmod(0xD2511F53 * x, _SIZE)
        x, y, z, w = high ^ y ^ a, low, top ^ w ^ b, bottom
        a, b = (a + 0x9E3779B9) % _SIZE, (b + 0xBB67AE85) % _SIZE
    return x, y, z, w


def ups(nu: Fraction, rule: str, bits: int) -> int:
    """Return how many of the 2^bits random numbers take a value up; they are the largest.

    nu:   how far the value is on the way from its neighbour below to the one above
    rule: "sr-a", "sr-b" or "sr-c" of P3109
    """
    n, d = nu.numerator << bits, nu.denominator
    match rule:
        case "sr-a":
            return n // d
        case "sr-b":
            return (2 * n + d) // (2 * d)
        case "sr-c":
            return int(nearest_multiple(n, d))
    msg = f"rule {rule}: sr-a, sr-b and sr-c are known"
    raise ValueError(msg)


def index(magnitude: Fraction, grid: Sequence[Fraction], rule: str, bits: int, random: int) -> int:
    """Return the number of the grid's value that a magnitude is rounded to.

    Magnitudes past the last value give its number.
    """
    at = bisect_right(grid, magnitude) - 1
    if at == len(grid) - 1:
        return at
    nu = (magnitude - grid[at]) / (grid[at + 1] - grid[at])
    return at + (random >= (1 << bits) - ups(nu, rule, bits))


def te_software(magnitude: Fraction, byte: int) -> Fraction:
    """Return the magnitude that TransformerEngine's software rounder gives a float32 magnitude, 6 at most."""
    raised = _float32(magnitude + Fraction(byte, 256) * _step(magnitude))
    step = _step(raised)
    return min(raised // step * step, Fraction(6))


def _step(magnitude: Fraction) -> Fraction:
    """Return the distance of the two E2M1 values around a magnitude below 6."""
    return Fraction(2) ** (min(int(magnitude) // 2, 2) - 1)


def _float32(v: Fraction) -> Fraction:
    """Return a positive rational rounded to float32, to nearest even."""
    units = v * ONE
    whole = units.__floor__()
    shift = max(whole.bit_length() - FLOAT32.digits, 0)
    return Fraction(nearest_multiple(units.numerator, units.denominator << shift) << shift, ONE)
