"""Encode and decode: one algorithm for every format of the catalog.

Both directions work in float64, where every value and every scaling by a power of two that occurs here is
exact, so the only rounding is the one `np.rint` of `computed`: to nearest, ties to even. What it gives for
float32 in a format of 8 bits or fewer is kept in a table.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from fos_ref.errors import DtypeError, InputError
from fos_ref.formats.arrays import AnyArray, F64, I64
from fos_ref.formats.catalog import FormatInfo, Negatives

_F64_FRACTION_BITS = 52
_F64_BIAS = 1023
#: Up to here every midpoint of two neighbours has 8 significant bits: it is a bfloat16.
_SHORT_BITS = 8


def code_dtype(fmt: FormatInfo) -> np.dtype[np.unsignedinteger[np.typing.NBitBase]]:
    """Return the unsigned dtype that holds one code of `fmt`."""
    return np.dtype(f"u{max(1, fmt.bits // 8)}")


def encode(x: AnyArray, fmt: FormatInfo) -> AnyArray:
    """Return the codes of `x` in `fmt`, round to nearest even, as the hardware converts.

    Shapes:   any -> the same
    Dtypes:   float32 or float64 (anything else: DtypeError) -> uint8, uint16 or uint32
    Rounding: one, to nearest, ties to even, with gradual underflow.
    Specials: NaN -> fmt.nan_code, +0 for formats without one. Overflow and infinity -> infinity where the
              format has it, else the largest finite value (E4M3 448 = 0x7E, E2M1 6). -0 keeps its sign where
              the format has a code for it.
    Raises:   DtypeError; InputError for a negative value in an unsigned format.
    Spec:     N1; PTX ISA cvt.rn.satfinite for E2M1 and E4M3, IEEE 754 for the wide formats.
    """
    x = np.asarray(x)
    if x.dtype not in (np.float32, np.float64):
        msg = f"encode: dtype {x.dtype}: float32 or float64 is allowed"
        raise DtypeError(msg)
    if x.dtype == np.float32 and fmt.bits <= _SHORT_BITS:
        _refuse_negative(x, fmt)
        codes: AnyArray = _short_codes(fmt)[_interval(x.view(np.uint32))]
        return codes
    return computed(x, fmt)


def computed(x: AnyArray, fmt: FormatInfo) -> AnyArray:
    """Return what `encode` does, computed: float32 or float64 in a format of any width."""
    with np.errstate(invalid="ignore"):  # a signalling NaN raises the flag when it is widened
        v = x.astype(np.float64)
    negative = np.signbit(v)
    _refuse_negative(v, fmt)
    code = np.asarray(_magnitude_code(np.abs(v), fmt))  # an array for one value too: it is assigned to
    if fmt.nan_code is None:
        code[np.isnan(v)] = 0
    else:
        code[np.isnan(v)] = fmt.nan_code
        negative = negative & ~np.isnan(v)
    return _with_sign(code, negative, fmt).astype(code_dtype(fmt))


def _refuse_negative(v: AnyArray, fmt: FormatInfo) -> None:
    if fmt.negatives is not Negatives.NONE:
        return
    with np.errstate(invalid="ignore"):
        below = v < 0
    if below.any():
        msg = f"encode: {np.float64(v[below].flat[0])!r} has no code in the unsigned format {fmt.name}"
        raise InputError(msg)


def _interval(bits: AnyArray) -> AnyArray:
    """Return 2 * n for the n-th bfloat16 pattern, 2 * n + 1 for the float32 patterns from it to the next."""
    number: AnyArray = (bits | ((bits & 0x7FFF) + 0x7FFF)) >> 15
    return number


@cache
def _short_codes(fmt: FormatInfo) -> AnyArray:
    """Return the code of each `_interval`: no midpoint lies between two neighbours of bfloat16."""
    interval = np.arange(1 << 17, dtype=np.uint32)
    x = (interval >> 1 << 16 | interval & 1).view(np.float32)
    with np.errstate(invalid="ignore"):
        allowed = ~(x < 0) if fmt.negatives is Negatives.NONE else np.full(x.shape, fill_value=True)
    return computed(np.where(allowed, x, np.float32(0)), fmt)


def _magnitude_code(a: F64, fmt: FormatInfo) -> I64:
    """Return the code of each magnitude: (e - emin) * 2**m + rint(a / 2**(e - m)), then saturate.

    e is the exponent of `a`, never below emin. Because the codes of a binary format count its magnitudes in
    order, a carry out of the rounding lands on the right code by itself.
    """
    # A NaN counts as too large here, and a signalling one raises no flag: `encode` has its code.
    with np.errstate(invalid="ignore"):
        finite = np.fmin(a, _beyond(fmt))
    e = (finite.view(np.int64) >> _F64_FRACTION_BITS) - _F64_BIAS
    e = np.maximum(e, fmt.emin)
    n = np.rint(np.ldexp(finite, (fmt.fraction_bits - e).astype(np.int32)))
    code: I64 = ((e - fmt.emin) << fmt.fraction_bits) + n.astype(np.int64)
    if not fmt.has_zero:
        code = np.maximum(code - (1 << fmt.fraction_bits), 0)
    if fmt.inf_code is None:
        return np.minimum(code, fmt.max_code)
    return np.minimum(code, fmt.inf_code)


@cache
def _beyond(fmt: FormatInfo) -> np.float64:
    """Return twice the largest finite value: it saturates."""
    return np.float64(decode_magnitude(fmt.max_code, fmt) * 2)


def _with_sign(code: I64, negative: AnyArray, fmt: FormatInfo) -> I64:
    """Put the sign into magnitude codes."""
    if fmt.negatives is Negatives.SIGN_MAGNITUDE:
        return code | (negative.astype(np.int64) << fmt.sign_shift)
    if fmt.negatives is Negatives.ONE_ZERO:
        signed: AnyArray = negative & (code != 0)
        return code | (signed.astype(np.int64) << fmt.sign_shift)
    if fmt.negatives is Negatives.TWOS_COMPLEMENT:
        return np.where(negative, -code, code) & ((1 << fmt.bits) - 1)
    return code


def decode(codes: AnyArray, fmt: FormatInfo) -> F64:
    """Return the exact values of `codes` as float64.

    Shapes:   any -> the same
    Dtypes:   any integer dtype; bits above the format's width are an InputError
    Rounding: none; float64 holds every value of every format here.
    Specials: codes past the largest finite value are NaN (or infinity where the format has it).
    Raises:   DtypeError for what is no integer; InputError.
    Spec:     N1.
    """
    c = np.asarray(codes)
    if c.dtype.kind not in "ui":
        msg = f"decode: dtype {c.dtype}: an integer dtype is allowed"
        raise DtypeError(msg)
    c = c.astype(np.int64)
    if np.any(c >> fmt.bits):
        msg = (
            f"decode: code {c[c >> fmt.bits != 0].flat[0]:#x} is wider than the {fmt.bits} bits of {fmt.name}"
        )
        raise InputError(msg)
    if fmt.negatives is Negatives.NONE:
        return decode_magnitude(c, fmt)
    top = c >> fmt.sign_shift
    if fmt.negatives is Negatives.TWOS_COMPLEMENT:
        value: F64 = np.ldexp((c - (top << fmt.bits)).astype(np.float64), -fmt.bias)
        return value
    magnitude = decode_magnitude(c & ((1 << fmt.sign_shift) - 1), fmt)
    signed: F64 = np.where(top == 1, -magnitude, magnitude)
    return signed


def decode_magnitude(code: I64 | int, fmt: FormatInfo) -> F64:
    """Return the values of magnitude codes (no sign bit)."""
    c = np.asarray(code, dtype=np.int64)
    field, fraction = c >> fmt.fraction_bits, c & ((1 << fmt.fraction_bits) - 1)
    subnormal = (field == 0) & fmt.has_zero
    significand = np.where(subnormal, fraction, fraction + (1 << fmt.fraction_bits))
    exponent = np.where(subnormal, fmt.emin, field - fmt.bias) - fmt.fraction_bits
    value = np.ldexp(significand.astype(np.float64), exponent.astype(np.int32))
    value = np.where(c > fmt.max_code, np.nan, value)
    return np.where(c == fmt.inf_code, np.inf, value) if fmt.inf_code is not None else value
