"""The scale path in whole numbers: int64 only, every rounding written out, no float operation anywhere.

A non-negative float of any format is n * 2^e with whole n and e; a format is `digits` significant bits and
the exponent `least` of its smallest subnormal. Codes count magnitudes in order, so one function rounds into
every format and a carry lands on the right code by itself. Nothing here is shared with the model; the tests
compare it with fos_ref.oracle.exact, whose numbers are unbounded.

Nothing is cached on disk: a cached kernel would outlive a change of what it calls.
"""

from __future__ import annotations

import numpy as np
from numba import int64, njit, types
from numba.core.typing.templates import Signature
from numba.extending import intrinsic

from fos_ref.formats.arrays import U8, U32

#: (digits, least) of the formats that are rounded into.
FLOAT32 = (24, -149)
FLOAT16 = (11, -24)
BFLOAT16 = (8, -133)
E4M3 = (4, -9)

ONE = 0x3F800000  #: float32 patterns
THREE_HALVES = 0x3FC00000
SIX = 0x40C00000
FLT_MAX = 0x7F7FFFFF
INF = 0x7F800000
E4M3_LARGEST = 0x7E
_QUOTIENT_BITS = 32  #: of 24-bit operands: at least 31 of them are left, and 25 and a remainder are needed


@intrinsic
def bit_length(typingctx: object, n: types.Type) -> tuple[Signature, object]:
    """Return how many bits a non-negative int64 has; 0 for 0."""

    def codegen(context, builder, _, args):
        zeros = builder.ctlz(args[0], context.get_constant(types.boolean, 0))
        return builder.sub(context.get_constant(types.int64, 64), zeros)

    return int64(int64), codegen


@njit
def parts(code: int, digits: int, least: int) -> tuple[int, int]:
    """Return whole (n, e) with value n * 2^e of a finite magnitude code."""
    field = code >> (digits - 1)
    fraction = code - (field << (digits - 1))
    if field == 0:
        return fraction, least
    return fraction + (1 << (digits - 1)), least + field - 1


@njit
def nearest(n: int, e: int, more: int, digits: int, least: int) -> int:
    """Return the magnitude code of n * 2^e, n < 2^62, to nearest even; past the largest: the codes go on.

    `more` is 1 where the value is a little above n * 2^e, by less than one unit of n; then n has to be
    longer than `digits` + 1 bits.
    """
    if n == 0:
        return 0
    shift = max(bit_length(int64(n)) - digits, least - e)
    if shift <= 0:
        q = n << -shift
    elif shift > bit_length(int64(n)) + 1:
        q = 0
    else:
        q, rest = n >> shift, n & ((1 << shift) - 1)
        half = 1 << (shift - 1)
        q += int64(rest > half or (rest == half and (more == 1 or q & 1 == 1)))
    return ((e + shift - least) << (digits - 1)) + q


@njit
def mul(a: int, b: int) -> int:
    """Return the float32 pattern of a * b, both non-negative; an infinite operand gives infinity."""
    if a >= INF or b >= INF:
        return INF
    n, e = parts(a, *FLOAT32)
    m, f = parts(b, *FLOAT32)
    return min(nearest(n * m, e + f, 0, *FLOAT32), INF)


@njit
def div(a: int, b: int) -> int:
    """Return the float32 pattern of a / b, both finite and non-negative, b not 0."""
    n, e = parts(a, *FLOAT32)
    m, f = parts(b, *FLOAT32)
    if n == 0:
        return 0
    up, down = 24 - bit_length(int64(n)), 24 - bit_length(int64(m))
    top, bottom = n << (up + _QUOTIENT_BITS), m << down
    q = top // bottom
    more = int64(q * bottom != top)
    return min(nearest(q, e - up - _QUOTIENT_BITS - f + down, more, *FLOAT32), INF)


@njit
def quotients(a: U32, b: int, out: U32) -> None:
    """Write the float32 patterns of a[i] / b."""
    for i in range(a.size):
        out[i] = div(int64(a[i]), int64(b))


@njit
def encode_scales(amax: U32, range_max: int, of_zero: int, out: U32) -> None:
    """Write S = min(C / A, FLT_MAX) for every tensor amax A, `of_zero` for A = 0. N3a, N3b.

    No finite A makes C / A round to 0, so the rule for S = 0 has nothing to do here.
    """
    for i in range(amax.size):
        a = int64(amax[i])
        out[i] = int64(of_zero) if a == 0 else min(div(int64(range_max), a), FLT_MAX)


@njit
def products(sixths: U32, encode: int, out: U32) -> None:
    """Write (b / 6) * S for every b / 6 in `sixths`. N5a, and N6a with S = 1.5."""
    for i in range(sixths.size):
        out[i] = mul(int64(sixths[i]), int64(encode))


@njit
def folded(b: U32, encode: int, out: U32) -> None:
    """Write min(b * (S * (1 / 6)), FLT_MAX): three roundings, two of them once per tensor. N5b."""
    factor = mul(int64(encode), div(ONE, SIX))
    for i in range(b.size):
        out[i] = min(mul(int64(b[i]), factor), FLT_MAX)


@njit
def e4m3_bytes(base: U32, out: U8) -> None:
    """Write the E4M3 byte of every unrounded block scale: to nearest even, saturating at 448. N7a."""
    for i in range(base.size):
        v = int64(base[i])
        if v >= INF:
            out[i] = np.uint8(E4M3_LARGEST)
        else:
            n, e = parts(v, *FLOAT32)
            out[i] = np.uint8(min(nearest(n, e, 0, *E4M3), E4M3_LARGEST))
