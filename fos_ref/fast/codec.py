"""Conversions in integer and float32 registers, one value at a time: the compiled twin of formats/codec.py.

Nothing here is shared with the readable codec. `fos prove codes` compares the two over all 2^32 patterns.
Integers are uint32 throughout: Numba widens mixed operands to 64 bits, which halves the lanes of a vector.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numba.core.typing.templates import Signature
from numba.extending import intrinsic

F32 = np.float32
U32 = np.uint32

ABS = U32(0x7FFFFFFF)
INF = U32(0x7F800000)
EXPONENT = U32(0x7F800000)
ONE = U32(0x3F800000)  #: bits of 1.0
EIGHT = U32(0x41000000)
E2M1_SHIFT = U32(22 << 23)  #: adding 2^22 ulps of a power of two leaves one fraction bit
E2M1_FIRST = U32(0x4A800000)  #: bits of 2^22, where the magic number of the binade of 1.0 lies
E2M1_MAX = U32(7)
E4M3_MAX = U32(0x43E00000)  #: bits of 448.0
E4M3_MIN_NORMAL = U32(0x3C800000)  #: bits of 2^-6
E4M3_HALF = U32(0x7FFFF)
E4M3_REBIAS = U32(960)  #: (127 - 7) * 8
E4M3_MAGIC = F32(16384.0)  #: its ulp is 2^-9, the smallest E4M3 subnormal
E4M3_MAGIC_BITS = U32(0x46800000)
E4M3_NAN = U32(0x7F)


@intrinsic
def bits_of(typingctx: object, x: types.Type) -> tuple[Signature, object]:
    """Return the bits of a float32 as a uint32."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], context.get_value_type(signature.return_type))

    return types.uint32(types.float32), codegen


@intrinsic
def float_of(typingctx: object, bits: types.Type) -> tuple[Signature, object]:
    """Return the float32 whose bits are a uint32."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], context.get_value_type(signature.return_type))

    return types.float32(types.uint32), codegen


@njit(error_model="numpy", inline="always")
def e2m1_magnitude(a: np.uint32) -> np.uint32:
    """Return the E2M1 magnitude code of magnitude bits `a` up to those of 8.0: nearest even, saturating.

    Adding m = 2^22 * max(2^e, 1) to a value of exponent e leaves one fraction bit, so the addition itself
    rounds; the code counts the steps passed: bits(a + m) - bits(m) in the binade, plus two per binade.
    """
    m = U32(max(U32(a & EXPONENT), ONE) + E2M1_SHIFT)
    t = bits_of(F32(float_of(a) + float_of(m)))
    return min(U32(U32(t - m) + U32(U32(m - E2M1_FIRST) >> U32(22))), E2M1_MAX)


@njit(error_model="numpy")
def e2m1_code(x: np.float32) -> np.uint32:
    """Return the E2M1 code of any float32 as cvt.rn.satfinite.e2m1x2.f32 does: NaN gives 7."""
    u = bits_of(x)
    a = U32(u & ABS)
    sign = U32(0) if a > INF else U32(U32(u >> U32(31)) << U32(3))
    return U32(e2m1_magnitude(min(a, EIGHT)) | sign)


@njit(error_model="numpy", inline="always")
def e4m3_magnitude(a: np.uint32) -> np.uint32:
    """Return the E4M3 magnitude code of magnitude bits `a` up to those of 448.0: nearest even, gradual.

    Normal values round in the bits themselves: add half of the last kept place, less one when that place is
    even. Below 2^-6 an addition of 2^14, whose ulp is the smallest subnormal, does the same.
    """
    normal = U32(U32(U32(a + E4M3_HALF) + U32(U32(a >> U32(20)) & U32(1))) >> U32(20))
    subnormal = U32(bits_of(F32(float_of(a) + E4M3_MAGIC)) - E4M3_MAGIC_BITS)
    return U32(normal - E4M3_REBIAS) if a >= E4M3_MIN_NORMAL else subnormal


@njit(error_model="numpy")
def e4m3_code(x: np.float32) -> np.uint32:
    """Return the E4M3 code of any float32 as cvt.rn.satfinite.e4m3x2.f32 does: overflow 7E, NaN 7F."""
    u = bits_of(x)
    a = U32(u & ABS)
    if a > INF:
        return E4M3_NAN
    return U32(e4m3_magnitude(min(a, E4M3_MAX)) | U32(U32(u >> U32(31)) << U32(7)))
