"""The arithmetic of one value in registers: codes and values of E2M1, fused sums, bfloat16, E4M3 by noise.

Nothing is shared with fos_ref/model or fos_ref/random.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numba.core.typing.templates import Signature
from numba.extending import intrinsic

from fos_ref.fast.codec import (
    ABS,
    bits_of,
    e2m1_magnitude,
    e4m3_magnitude,
    E4M3_MAX,
    E4M3_MIN_NORMAL,
    EIGHT,
    F32,
    float_of,
    INF,
    U32,
)
from fos_ref.fast.config import position
from fos_ref.fast.elements import midpoints_passed
from fos_ref.fast.grids import with_zero_sign
from fos_ref.fast.lanes import step
from fos_ref.recipes.axes import ElementCast, ScaleRounding

SATURATE = position(ElementCast.SATURATE)
TIES_AWAY = position(ElementCast.TIES_AWAY)
OF_KERNELS = position(ScaleRounding.QUARTET2_SCALES)
MINUS_ZERO, NAN_BYTE = U32(8), U32(0x7F)
CUT = U32(0xFFFFF)  #: the bits of a float32 below E4M3's three fraction bits
UNIFORM_STEP = F32(4.6566127342e-10)  #: 2FFFFFFF
_REBIAS = U32(960)  #: (127 - 7) * 8
_HALF, _LAST = U32(0x7FFF), U32(0xFFFF0000)

_OPTIONS = {"error_model": "numpy", "inline": "always"}


@intrinsic
def wide_bits(typingctx: object, x: types.Type) -> tuple[Signature, object]:
    """Return the bits of a float64 as an int64."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], context.get_value_type(signature.return_type))

    return types.int64(types.float64), codegen


@intrinsic
def wide_float(typingctx: object, bits: types.Type) -> tuple[Signature, object]:
    """Return the float64 whose bits are an int64."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], context.get_value_type(signature.return_type))

    return types.float64(types.int64), codegen


@njit(error_model="numpy", nogil=True)
def fused(a: np.float32, b: np.float32, c: np.float32) -> np.float32:
    """Return a*b + c, rounded once.

    The product is exact in float64. Of the sum, what float64 lost says whether its last bit has to be odd;
    then the rounding to float32 is that of the exact sum.
    """
    p, q = np.float64(a) * np.float64(b), np.float64(c)
    total = p + q
    part = total - p
    lost = (p - (total - part)) + (q - part)
    bits = wide_bits(total)
    if lost != 0.0 and np.isfinite(total) and bits & 1 == 0:  # NaN is not 0, and nothing finite lost one
        bits += 1 if (lost > 0.0) == (total > 0.0) else -1
        total = wide_float(bits)
    return F32(total)


@njit(**_OPTIONS)
def cut_to_four(v: np.float32) -> np.float32:
    """Return a positive float32 with four fraction bits, the others cut off."""
    return float_of(U32(bits_of(v) & U32(0xFFF80000)))


@njit(**_OPTIONS)
def to_bfloat16(v: np.float32) -> np.float32:
    """Return a float32 rounded to bfloat16, nearest even; NaN stays one."""
    u = bits_of(v)
    if U32(u & ABS) > INF:
        return v
    return float_of(U32(U32(u + _HALF + U32(U32(u >> U32(16)) & U32(1))) & _LAST))


@step
def element(v: np.float32, cast: int, nan: np.uint32, zero_sign: int) -> np.uint32:
    """Return the E2M1 code of a scaled value. N9a, N9c, N9e."""
    u = bits_of(v)
    a = U32(u & ABS)
    if a > INF:
        code = nan
    elif cast == SATURATE:
        code = U32(e2m1_magnitude(min(a, EIGHT)) | U32(U32(u >> U32(31)) << U32(3)))
    else:
        size = midpoints_passed(a, U32(0) if cast == TIES_AWAY else U32(1))
        code = U32(size | U32(U32(u >> U32(31)) << U32(3)))
    return with_zero_sign(zero_sign, a, code, MINUS_ZERO)


@step
def e4m3_value(code: np.uint32) -> np.float32:
    """Return the value of an E4M3 magnitude code; NaN for 7F."""
    if code == NAN_BYTE:
        return float_of(U32(0x7FC00000))
    return F32(float_of(U32(code << U32(20))) * F32(2.0**120))


@step
def scale_byte(base: np.float32, number: np.uint32, kind: int) -> np.uint32:
    """Return the E4M3 byte of a base from 0 on, up or down as a random number says. N7l, N7m."""
    a = U32(bits_of(base) & ABS)
    if a > INF:
        return NAN_BYTE
    a = min(a, E4M3_MAX)
    nearest = e4m3_magnitude(a)
    if kind == OF_KERNELS:
        if a < E4M3_MIN_NORMAL:
            return nearest
        low = U32(U32(a >> U32(20)) - _REBIAS)
        return U32(low + (U32(1) if U32(a & CUT) > U32(number << U32(4)) else U32(0)))
    v = float_of(a)
    low = U32(nearest - (U32(1) if e4m3_value(nearest) > v else U32(0)))
    high = min(U32(low + U32(1)), U32(0x7E))
    below = e4m3_value(low)
    gap = F32(e4m3_value(high) - below) if high > low else F32(1)
    folded = number if number < U32(0x80000000) else U32(~number)
    return high if F32(F32(folded) * UNIFORM_STEP) < F32(F32(v - below) / gap) else low
