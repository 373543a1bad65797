"""Loops over whole ranges of bit patterns: the compiled codec, exact roundings, the classifier."""

from __future__ import annotations

import numpy as np
from numba import int64, njit

from fos_ref.fast.codec import e2m1_code, e4m3_code
from fos_ref.fast.exact_scale import bit_length, FLOAT32, INF, nearest, parts
from fos_ref.formats.arrays import AnyArray, F32, I64, U8, U32

_ABS = 0x7FFFFFFF
_E8M0_BIAS = 127
_E8M0_SPECIAL = 0xFF


@njit
def e2m1_codes(x: F32, out: U8) -> None:
    """Write the compiled codec's E2M1 codes."""
    for i in range(x.size):
        out[i] = e2m1_code(x[i])


@njit
def e4m3_codes(x: F32, out: U8) -> None:
    """Write the compiled codec's E4M3 codes."""
    for i in range(x.size):
        out[i] = e4m3_code(x[i])


@njit
def narrowed(bits: U32, grid: tuple[int, int], largest: int, nan: int, out: U32) -> None:
    """Write the magnitude codes of float32 patterns in a format, rounded in integers to nearest even.

    `grid` is (significant bits, exponent of the smallest subnormal); `largest` is where an
    overflow ends: the code of infinity, or of the largest finite value.
    """
    for i in range(bits.size):
        a = int64(bits[i]) & _ABS
        if a > INF:
            out[i] = nan
        elif a == INF:
            out[i] = largest
        else:
            n, e = parts(a, *FLOAT32)
            out[i] = min(nearest(n, e, 0, grid[0], grid[1]), largest)


@njit
def widened(codes: U32, grid: tuple[int, int], infinite: int, out: U32) -> None:
    """Write the float32 patterns of magnitude codes up to `infinite`: exact, in integers."""
    for i in range(codes.size):
        c = int64(codes[i])
        n, e = parts(c, grid[0], grid[1])
        out[i] = INF if c == infinite else nearest(n, e, 0, *FLOAT32)


@njit
def powers_not_below(bits: U32, out: U8) -> None:
    """Write the E8M0 byte of the smallest power of two, from 2^-126 on, not below each magnitude.

    In integers: n * 2^e is at most 2^(e + bits of n - 1), and n = 1 is that power itself. Zero gives 0; what
    is above 2^127 gives 255; so does infinity. NaN gives 0 (N7b).
    """
    for i in range(bits.size):
        a = int64(bits[i]) & _ABS
        if a == 0 or a > INF:
            out[i] = np.uint8(0)
        elif a == INF:
            out[i] = np.uint8(_E8M0_SPECIAL)
        else:
            n, e = parts(a, *FLOAT32)
            power = e + bit_length(int64(n - 1))
            out[i] = np.uint8(min(max(power + _E8M0_BIAS, 1), _E8M0_SPECIAL))


@njit
def classified(bits: U32, ours: AnyArray, theirs: AnyArray, rules: I64, counts: I64) -> None:
    """Count each difference under the first rule that allows it, or in the last place of `counts`.

    A rule is a row (first magnitude, last magnitude, code for +, code for -).
    """
    for i in range(bits.size):
        if ours[i] == theirs[i]:
            continue
        a, sign = int64(bits[i]) & _ABS, int64(bits[i]) >> 31
        code, place = int64(theirs[i]), 0
        while place < rules.shape[0]:
            if rules[place, 0] <= a <= rules[place, 1] and code == rules[place, 2 + sign]:
                break
            place += 1
        counts[place] += 1
