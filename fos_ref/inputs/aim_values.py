"""Values of an input dtype: whole steps beside a value, limits, tensor amaxes worth trying."""

from __future__ import annotations

from functools import cache

import numpy as np

from fos_ref.formats.arrays import AnyArray, F64
from fos_ref.inputs.distributions import DTYPES
from fos_ref.recipes.recipe import Recipe

_FLT_MAX = float(np.finfo(np.float32).max)
_NUDGES = np.array([0, 1, -1, 0])  #: steps, from the low two bits of a byte
SIGN = 4  #: the bit of that byte that makes a value negative
_LAST = {"float32": 0x7F7FFFFF, "float16": 0x7BFF, "bfloat16": 0x7F7F}  #: bits of the largest finite value
_FRACTION_BITS = {"float32": 23, "float16": 10, "bfloat16": 7}
_EXACT = (0, -1, 3, -11, 13, -30, 40)  #: powers of two: under C times these, scaling is exact


def nudged(values: F64, bits: AnyArray, dtype: str) -> AnyArray:
    """Return |values| in `dtype`, 1 step up or down or not, negative or not, as `bits` say; 0 stays 0.

    Rounding: to float32, then to `dtype`, to nearest even; steps are exact. Overflow is the largest value.
    """
    kind, unsigned = DTYPES[dtype], _unsigned(dtype)
    with np.errstate(over="ignore"):
        magnitude = np.abs(values).astype(np.float32).astype(kind)
    steps = np.where(magnitude == 0, 0, _NUDGES[bits & 3])
    count = np.clip(magnitude.view(unsigned).astype(np.int64) + steps, 0, _LAST[dtype])
    x = count.astype(unsigned).view(kind)
    return np.asarray(np.where(bits & SIGN, -x, x), dtype=kind)


def anything(data: bytes, amax: np.float32, dtype: str) -> AnyArray:
    """Return values up to `amax`, four bytes each, either sign: of any size, or within 8 binades of it."""
    kind, unsigned = DTYPES[dtype], _unsigned(dtype)
    words = np.frombuffer(data, dtype="<u4").astype(np.int64)
    top = int(np.asarray(amax).astype(kind).view(unsigned))
    near = min(top, 8 << _FRACTION_BITS[dtype]) + 1
    drawn = words >> 2
    count = np.where(words & 2, drawn % (top + 1), top - drawn % near)
    x = count.astype(unsigned).view(kind)
    return np.where(words & 1, -x, x).astype(kind)


def limited(x: AnyArray, amax: np.float32) -> AnyArray:
    """Return x with magnitudes of at most `amax`, a value of its dtype."""
    limit = np.asarray(amax).astype(x.dtype)
    return np.where(np.abs(x) > limit, np.where(np.signbit(x), -limit, limit), x)


def nearest(a: float, dtype: str) -> np.float32:
    """Return the nearest positive finite value of `dtype`, as float32."""
    kind, unsigned = DTYPES[dtype], _unsigned(dtype)
    with np.errstate(over="ignore"):
        bits = int(np.float32(a).astype(kind).view(unsigned))
    return np.float32(np.array([max(1, min(bits, _LAST[dtype]))], dtype=unsigned).view(kind)[0])


def _unsigned(dtype: str) -> np.dtype[np.unsignedinteger[np.typing.NBitBase]]:
    return np.dtype(f"u{DTYPES[dtype].itemsize}")


@cache
def amax_values(r: Recipe, dtype: str) -> tuple[list[np.float32], list[np.float32]]:
    """Return (tensor amaxes under which scaling is exact, and one step beside; tensor amaxes at the ends).

    At the ends C/A overflows, A/C is subnormal, or A is the smallest or largest float32.
    """
    c = float(r.range_max)
    exact = [c * 2.0**k for k in _EXACT]
    beside = [float(np.nextafter(np.float32(v), np.float32(to))) for v in exact[:3] for to in (0, _FLT_MAX)]
    overflow, subnormal = c / _FLT_MAX, c * 2.0**-126
    ends = [2.0**-149, 2.0**-126, overflow, 2 * overflow, subnormal, subnormal / 2, _FLT_MAX / 2, _FLT_MAX]
    return [nearest(v, dtype) for v in (*exact, *beside)], [nearest(v, dtype) for v in ends]
