"""Stochastic rounding by the rules A, B and C of P3109, onto the values of any format."""

from __future__ import annotations

from enum import Enum
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from fos_ref.arguments import whole
from fos_ref.errors import DtypeError, InputError
from fos_ref.formats.arrays import AnyArray, F64, I64
from fos_ref.formats.catalog import E2M1, FormatInfo, Negatives
from fos_ref.formats.codec import code_dtype, decode_magnitude

MOST_BITS = 32
_F64_FRACTION_BITS, _F64_BIAS = 52, 1023


class Rule(Enum):
    """When a value goes up: nu is its place between its neighbours, R one of 2^N random numbers."""

    A = "sr-a"  #: floor(nu 2^N) + R >= 2^N: the carry out of an addition to the bits that are cut off
    B = "sr-b"  #: floor(nu 2^(N+1)) + 2R + 1 >= 2^(N+1): the same, half a random bit more
    C = "sr-c"  #: RNE(nu 2^N) + R >= 2^N


class Between(NamedTuple):
    """Where magnitudes lie in a format: the code below, and how far on the way to the next."""

    below: I64  #: code of the largest value that is not larger, as if the format went on for ever
    nu: F64  #: from 0 to below 1, exact


def between(a: F64, fmt: FormatInfo) -> Between:
    """Return the place of finite magnitudes among the values of a format, without rounding.

    Shapes:   any -> the same
    Rounding: none: a magnitude in steps of its own binade is exact in float64, and so are its whole part and
              its fraction. Below the smallest normal value the step is that of the smallest normal value.
    """
    e = np.maximum((a.view(np.int64) >> _F64_FRACTION_BITS) - _F64_BIAS, fmt.emin)
    steps = np.ldexp(a, (fmt.fraction_bits - e).astype(np.int32))
    whole_steps = np.floor(steps)
    code = ((e - fmt.emin) << fmt.fraction_bits) + whole_steps.astype(np.int64)
    if fmt.has_zero:
        return Between(code, steps - whole_steps)
    under = code < 1 << fmt.fraction_bits  # below the smallest value of a format that has no zero
    code = np.maximum(code - (1 << fmt.fraction_bits), 0)
    return Between(code, np.where(under, 0.0, steps - whole_steps))


def _up_a(nu: F64, r: I64, n: int) -> AnyArray:
    return np.floor(np.ldexp(nu, n)).astype(np.int64) + r >= 1 << n


def _up_b(nu: F64, r: I64, n: int) -> AnyArray:
    return np.floor(np.ldexp(nu, n + 1)).astype(np.int64) + 2 * r + 1 >= 1 << (n + 1)


def _up_c(nu: F64, r: I64, n: int) -> AnyArray:
    return np.rint(np.ldexp(nu, n)).astype(np.int64) + r >= 1 << n


_UP = MappingProxyType({Rule.A: _up_a, Rule.B: _up_b, Rule.C: _up_c})


def stochastic(y: AnyArray, random: Any, rule: Rule, bits: int, fmt: FormatInfo = E2M1) -> AnyArray:
    """Return the codes of `y`, rounded up or down as the random numbers say.

    random:   whole numbers from 0 to 2^bits - 1, one for each value: they broadcast against `y`
    Shapes:   any -> the same
    Dtypes:   float32 or float64 -> uint8, uint16 or uint32
    Rounding: one, to one of the two neighbours in the format; a value of the format never moves. nu is exact
              and has as many digits as the value has.
    Specials: NaN -> fmt.nan_code, +0 for formats without one. Magnitudes above the largest value saturate
              there; where the format has an infinity they go up to it or down from it. -0 and negative values
              that round to zero keep their sign where the format has one.
    Raises:   DtypeError, InputError.
    Spec:     P3109 interim report 4.7.4, StochasticA, B and C; docs/training.md, Rules.
    """
    given, r, n = _checked(y, random, bits)
    with np.errstate(invalid="ignore"):  # a signalling NaN raises the flag when it is widened
        v = given.astype(np.float64)
    negative, is_nan = np.signbit(v), np.isnan(v)
    if fmt.negatives is Negatives.NONE and np.any(negative & (v < 0)):
        msg = f"a negative value has no code in the unsigned format {fmt.name}"
        raise InputError(msg)
    top = float(decode_magnitude(fmt.max_code, fmt)) * 2
    below, nu = between(np.fmin(np.abs(np.where(is_nan, 0.0, v)), top), fmt)
    code = below + _UP[rule](nu, r, n)
    code = np.minimum(code, fmt.max_code if fmt.inf_code is None else fmt.inf_code)
    code = np.where(is_nan, fmt.nan_code or 0, code)
    return _signed(code, negative & ~is_nan, fmt).astype(code_dtype(fmt))


def _signed(code: I64, negative: AnyArray, fmt: FormatInfo) -> I64:
    """Put the sign into magnitude codes."""
    if fmt.negatives is Negatives.TWOS_COMPLEMENT:
        return np.where(negative, -code, code) & ((1 << fmt.bits) - 1)
    if fmt.negatives is Negatives.NONE:
        return code
    signed = negative & (code != 0) if fmt.negatives is Negatives.ONE_ZERO else negative
    return code | (signed.astype(np.int64) << fmt.sign_shift)


def _checked(y: AnyArray, random: Any, bits: int) -> tuple[AnyArray, I64, int]:
    """Return values, random numbers and their width, checked."""
    values, r = np.asarray(y), np.asarray(random)
    n = whole(bits, "random bits", 1, MOST_BITS)
    if values.dtype not in (np.float32, np.float64):
        msg = f"values of dtype {values.dtype}: float32 or float64 is allowed"
        raise DtypeError(msg)
    if r.dtype.kind not in "ui":
        msg = f"random numbers of dtype {r.dtype}: an integer dtype is allowed"
        raise DtypeError(msg)
    if np.any(r < 0) or np.any(r > (1 << n) - 1):
        msg = f"random numbers: whole numbers from 0 to 2^{n} - 1 are allowed"
        raise InputError(msg)
    return values, r.astype(np.int64), n
