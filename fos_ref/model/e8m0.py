"""The casts of the block scale to E8M0, a power of two: by its exponent, or by its logarithm (N7).

A byte of 0 counts as 0 here: N8 says what an element is divided by then.
"""

from __future__ import annotations

import numpy as np

from fos_ref.formats.arrays import F32, F64, U8

ELEMENT_EXPONENT = 2  #: of 4, the largest power of two among the values of E2M1; other formats have theirs
BIAS, SPECIAL = 127, 0xFF
_FRACTION_BITS = 23
_THREE_QUARTERS = 3 << (_FRACTION_BITS - 2)  #: the fraction of 1.75


def _exponent(base: F32) -> np.ndarray:
    """Return the exponent field."""
    return (base.view(np.uint32) >> np.uint32(_FRACTION_BITS)).astype(np.int32) & SPECIAL


def _fraction(base: F32) -> np.ndarray:
    return base.view(np.uint32).astype(np.int32) & ((1 << _FRACTION_BITS) - 1)


def _of_field(field: np.ndarray) -> tuple[U8, F32]:
    """Return (byte, value) of an exponent field: the float32 with that field, so 0 for 0, infinity for FF."""
    codes = (field & SPECIAL).astype(np.uint8)
    return codes, (codes.astype(np.uint32) << np.uint32(_FRACTION_BITS)).view(np.float32)


def e8m0_up(base: F32) -> tuple[U8, F32]:
    """Return (E8M0 byte, value): the exponent field of `base`, plus 1 if any fraction bit is set. N7b.

    Specials: a byte of 0 counts as 0 and 255 as infinity, as the float32 with that exponent field does.
    Source:   fouroversix reference.py::quantize_to_mxfp4.
    """
    return _of_field(_exponent(base) + (_fraction(base) != 0))


def _of_amax(base: F32, up: np.ndarray, less: int) -> tuple[U8, F32]:
    """Return the power of two of the exponent field, plus 1 where `up`, less what is left to the elements."""
    field = np.maximum(_exponent(base) + up - less, 0)
    return _of_field(np.where(np.isnan(base), SPECIAL, field))


def e8m0_floor(base: F32, less: int = ELEMENT_EXPONENT) -> tuple[U8, F32]:
    """Return 2^(floor(log2(base)) - less). N7d. Source: OCP MX 1.0, section 6.3; torchao's FLOOR.

    less: the exponent of the largest power of two among the values of the element format
    """
    return _of_amax(base, np.zeros(base.shape, dtype=np.bool_), less)


def e8m0_even(base: F32, less: int = ELEMENT_EXPONENT) -> tuple[U8, F32]:
    """Return the same for a significand from 1.75 on rounded up: it would round to 2 as an E2M1 value. N7e.

    Source: torchao's EVEN; compressed-tensors mxfp_utils.py::round_to_power_2. Both add a quarter to the
    fraction field, which is this but for subnormals, whose byte is 0 in any case.
    """
    return _of_amax(base, _fraction(base) >= _THREE_QUARTERS, less)


def e8m0_ceil(base: F32, less: int = ELEMENT_EXPONENT) -> tuple[U8, F32]:
    """Return 2^(ceil(log2(base)) - less). N7f. Source: torchao's CEIL."""
    return _of_amax(base, _fraction(base) != 0, less)


def e8m0_up_satfinite(base: F32) -> tuple[U8, F32]:
    """Return the next power of two upward from 2^-127 to 2^127. N7g.

    Specials: base up to 2^-127 gives byte 0, infinity FE. NaN gives FF and stays NaN.
    Source:   cvt.rp.satfinite.ue8m0x2.f32; torchao's RCEIL.
    """
    power = np.clip(_power_up(base), -BIAS, BIAS)
    codes, values = _of_field(power + BIAS)
    codes[np.isnan(base)] = SPECIAL
    return codes, np.where(np.isnan(base), base, values)


def e8m0_up_wraps(base: F32) -> tuple[U8, F32]:
    """Return the next power of two upward; the byte is its exponent plus 127 modulo 256. N7h.

    Specials: below 2^-127 the byte wraps, and the value is right. Zero gives 0, NaN and infinity FF; the
    program leaves these to its conversion to integers.
    Source:   MLX 0.32.4 ops.cpp::fp_quantize, on a CPU.
    """
    power = _power_up(base)
    codes = ((power + BIAS) & SPECIAL).astype(np.uint8)
    values = np.ldexp(np.float32(1), power).astype(np.float32)
    finite = np.isfinite(base)
    codes[~finite] = SPECIAL
    codes[base == 0] = 0
    return codes, np.where(finite & (base != 0), values, base)


def _power_up(base: F32) -> np.ndarray:
    """Return ceil(log2(base)), exactly: 128 for what is not finite."""
    significand, power = np.frexp(np.where(np.isfinite(base), base, np.float32(0)))
    exact = np.where(significand == np.float32(0.5), power - 1, power)
    return np.where(np.isfinite(base), np.where(base == 0, -BIAS, exact), BIAS + 1).astype(np.int32)


def log2(x: F32) -> F32:
    """Return log2 rounded once to float32, to nearest even.

    The float64 logarithm is within a few of its own ulps. The exact one lies that near to a halfway point of
    float32 for no float32 x whose logarithm is near a whole number or a half, the only ones that count here.
    """
    wide: F64 = np.log2(x.astype(np.float64))
    return wide.astype(np.float32)


def e8m0_nearest_log2(base: F32) -> tuple[U8, F32]:
    """Return 2^n, n the float32 log2(base) rounded to whole numbers, halves away from zero. N7i.

    Specials: n is kept between -127 and 127. NaN and infinity give FF, which counts as infinity.
    Source:   MLX 0.32.2 fp8.h::fp8_e8m0, on Metal.
    """
    exponent = log2(base)
    size = np.abs(exponent)
    whole = np.copysign(np.trunc(size) + (size - np.trunc(size) >= np.float32(0.5)), exponent)
    n = np.clip(np.where(np.isfinite(base), whole, 0), -BIAS, BIAS).astype(np.int32)
    return _of_field(np.where(np.isfinite(base), n + BIAS, SPECIAL))
