"""The oracle's powers of two: E8M0 casts and logarithms on exact integers (N5, N7)."""

from __future__ import annotations

from math import inf, isnan, nan

from fos_ref.oracle.exact import cast, FLOAT32, ONE, Precision, Value

BIAS = 127
SPECIAL = 0xFF  #: the byte that counts as infinity
UNIT = 149  #: a value is a whole number of 2**-149
PLACES = 64  #: binary places of a logarithm
_WORD = 320  #: bits that its squarings keep: more than a value has


def value(code: int) -> Value:
    """Return what a byte counts as in a cast: 0 for 0, infinity for FF, 2**(code - 127) between."""
    return 0 if code == 0 else inf if code == SPECIAL else 1 << (code - BIAS + UNIT)


def up(base: Value) -> tuple[int, Value]:
    """Return the smallest power of two that is not below `base`, at least 2**-126 but for a zero. N7b.

    Infinity and what lies above 2**127 give byte 255, which counts as infinity. A NaN gives byte 0: its
    exponent field of 255 plus 1 leaves the byte.
    """
    if isinstance(base, float):
        return (0, 0) if isnan(base) else (SPECIAL, inf)
    code = max(_ceil(base) + BIAS, 1) if base else 0
    return code, value(code)


def _ceil(base: int) -> int:
    """Return the exponent of the smallest power of two that is not below base > 0."""
    return (base - 1).bit_length() - UNIT


def of_amax(base: Value, steps: int, left: int) -> tuple[int, Value]:
    """Return 2**(e - left), e the exponent of base, one more from 1 + steps / 2**23 on. N7d-f.

    steps: 1 for any fraction at all, 3 * 2**21 for 1.75, 2**23 for none. Infinity has the exponent 128.
    """
    if isinstance(base, float):
        code = SPECIAL if isnan(base) else 128 - left + BIAS
        return code, value(code)
    if base == 0:
        return 0, 0
    binade = 1 << (base.bit_length() - 1)
    more = (base - binade) << 23 >= steps * binade if steps < 1 << 23 else False
    code = max(binade.bit_length() - 1 - UNIT + more - left + BIAS, 0)
    return code, value(code)


def up_satfinite(base: Value) -> tuple[int, Value]:
    """Return the next power of two upward between 2**-127 and 2**127; a NaN is FF. N7g."""
    if isinstance(base, float):
        return (SPECIAL, nan) if isnan(base) else (SPECIAL - 1, value(SPECIAL - 1))
    code = min(max(_ceil(base), -BIAS), BIAS) + BIAS if base else 0
    return code, value(code)


def up_wraps(base: Value) -> tuple[int, Value]:
    """Return the next power of two upward, and its exponent plus 127 modulo 256. N7h."""
    if isinstance(base, float):
        return SPECIAL, base
    if base == 0:
        return 0, 0
    e = _ceil(base)
    return (e + BIAS) % (SPECIAL + 1), 1 << (e + UNIT) if e <= BIAS else inf


def nearest_log2(base: Value) -> tuple[int, Value]:
    """Return 2**n, n the float32 logarithm to the nearest whole number, halves away from zero. N7i."""
    if isinstance(base, float):
        return SPECIAL, inf
    if base == 0:
        return 0, 0
    size = log2(base, FLOAT32)
    n = (abs(size) + ONE // 2) // ONE
    code = min(max(-n if size < 0 else n, -BIAS), BIAS) + BIAS
    return code, value(code)


def near_power(base: Value, to: Precision) -> Value:
    """Return the power of two whose exponent is log2(base) rounded to `to`, where whole; else base. N5l-m."""
    if isinstance(base, float) or base == 0:
        return base
    exponent = log2(base, to)
    whole, rest = divmod(exponent, ONE)
    if rest:
        return base
    return 1 << (whole + UNIT) if whole <= BIAS else inf


def log2(v: int, to: Precision) -> int:
    """Return log2 of v > 0, an exact number of units, rounded to `to`.

    Digit by digit: a significand that is squared past 2 has a 1 as the next binary place of its logarithm.
    Cut off after 64 places; a logarithm that is not whole is no halfway point, so a last bit is set for it.
    """
    whole = v.bit_length() - 1
    significand = v << (_WORD - whole)  # of 2**_WORD
    places = 0
    for _ in range(PLACES):
        significand = significand * significand >> _WORD
        carry = significand >> (_WORD + 1)
        significand >>= carry
        places = places << 1 | carry
    exact = v == 1 << whole
    number = ((whole - UNIT) << PLACES | places) << 1 | (not exact)
    rounded = cast(number << (UNIT - PLACES - 1), to)
    assert isinstance(rounded, int)
    return rounded
