"""The oracle's scales: tensor scale, block scale, map-to-4 scale and their casts (N3, N5, N6, N7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isnan, nan
from typing import assert_never

from fos_ref.oracle.exact import (
    cast,
    div,
    E4M3,
    FLOAT32,
    FLT_MAX,
    largest,
    least,
    mul,
    nearest,
    ONE,
    Precision,
    Value,
)
from fos_ref.recipes.axes import BlockScale, Map4Scale, ScaleFloor, ScaleFormat, ScaleNan, TensorScale
from fos_ref.recipes.recipe import Recipe

EXPANSION = 3 * ONE // 2
NAN_BYTES = {ScaleNan.CODE_7F: 0x7F, ScaleNan.CODE_FF: 0xFF}
EIGHTH = E4M3.index(ONE // 8)
_E8M0_SPECIAL = 0xFF  #: the byte that counts as infinity


@dataclass(frozen=True, slots=True)
class Tensor:
    """The tensor scales A, S and D, the range C that A maps to, and the precision of the input."""

    amax: Value
    encode: Value
    decode: Value
    range_max: Value
    dtype: Precision = FLOAT32


@dataclass(frozen=True, slots=True)
class Source:
    """What a candidate starts from: a block's values, their block amax (map-to-4: times 1.5), the scales."""

    x: Sequence[Value]
    sizes: Sequence[Value]  #: the magnitudes of x
    negative: Sequence[bool]  #: the signs of x, those of zeros too
    amax: Value
    tensor: Tensor


def tensor_scales(amax: Value, r: Recipe, dtype: Precision = FLOAT32) -> Tensor:
    """Return A, S and D of a tensor or row whose amax is `amax`, of an input of `dtype`. N3."""
    ratio = div(r.range_max * ONE, amax)
    match r.tensor_scale:
        case TensorScale.CLAMPED:
            s = least(ratio, FLT_MAX) or ONE
        case TensorScale.CLAMPED_ZERO_IS_ONE:
            s = ONE if amax == 0 else least(ratio, FLT_MAX) or ONE
        case TensorScale.ZERO_SCALES:
            s = 0 if amax == 0 else ratio
        case TensorScale.QUOTIENT_ZERO_IS_ONE:
            s = ONE if amax == 0 else ratio
        case TensorScale.RECIPROCAL_IN_INPUT_DTYPE:
            inverse = cast(div(ONE, largest(amax, dtype.smallest_normal)), dtype)
            s = cast(mul(inverse, r.range_max * ONE), dtype)
            s = s if isinstance(s, int) else ONE
        case TensorScale.DECODE_QUOTIENT:
            return _of_decode(amax, div(amax, r.range_max * ONE), r, dtype)
        case TensorScale.DECODE_RECIPROCALS:
            d = mul(mul(amax, div(ONE, r.scale_max * ONE)), div(ONE, r.element_max * ONE))
            return _of_decode(amax, ONE if amax == 0 else d, r, dtype)
        case TensorScale.NONE:
            s = ONE
        case _:
            assert_never(r.tensor_scale)
    return Tensor(amax, s, div(ONE, s), r.range_max * ONE, dtype)


def given_tensor_scale(decode: Value, r: Recipe, dtype: Precision = FLOAT32) -> Tensor:
    """Return A, S and D for a decode scale that the caller fixes. N3."""
    return _of_decode(mul(decode, r.range_max * ONE), decode, r, dtype)


def given_encode_scale(encode: Value, r: Recipe, dtype: Precision = FLOAT32) -> Tensor:
    """Return A, S and D for an encode scale that the caller fixes. N3."""
    decode = div(ONE, encode)
    return Tensor(mul(decode, r.range_max * ONE), encode, decode, r.range_max * ONE, dtype)


def _of_decode(amax: Value, d: Value, r: Recipe, dtype: Precision) -> Tensor:
    return Tensor(amax, div(ONE, d), d, r.range_max * ONE, dtype)


def block_scale(b: Value, t: Tensor, m: int, r: Recipe) -> Value:
    """Return the block scale before its cast; m is the element magnitude that b maps to. N5."""
    most = m * ONE
    match r.block_scale:
        case BlockScale.DIVIDE_THEN_MULTIPLY:
            v = mul(div(b, most), t.encode)
        case BlockScale.FOLDED_RECIPROCAL:
            v = least(mul(b, mul(t.encode, div(ONE, most))), FLT_MAX)
        case BlockScale.RECIPROCAL_THEN_MULTIPLY:
            v = mul(t.encode, mul(b, div(ONE, most)))
        case BlockScale.DIVIDE_BY_DECODE:
            v = div(b, mul(most, t.decode))
        case BlockScale.DIVIDE_THEN_DIVIDE:
            v = div(div(b, most), t.decode)
        case BlockScale.DIVIDE_IN_INPUT_DTYPE:
            v = mul(t.encode, cast(div(b, most), t.dtype))
        case BlockScale.RECIPROCAL_PER_MAXIMUM:
            v = mul(mul(b, div(ONE, most)), div(ONE, t.decode))
        case BlockScale.NORMALISED:
            v = div(mul(div(b, most) or ONE, r.scale_max * ONE), div(t.amax, most))
        case _:
            assert_never(r.block_scale)
    return v


def map4_scale(base: Value, b: Value, t: Tensor, r: Recipe) -> Value:
    """Return the map-to-4 candidate's block scale before its cast. N6."""
    match r.map4_scale:
        case Map4Scale.EXPAND_BEFORE_ROUNDING:
            return mul(base, EXPANSION)
        case Map4Scale.EXPAND_AFTER_ROUNDING:
            return mul(cast_scale(base, r)[1], EXPANSION)
        case Map4Scale.FROM_BLOCK_AMAX:
            return block_scale(b, t, 4, r)
        case Map4Scale.EXPAND_AMAX:
            return block_scale(mul(b, EXPANSION), t, r.element_max, r)
        case None:
            msg = f"recipe {r.name!r} has no map-to-4 candidate"
            raise AssertionError(msg)
        case _:
            assert_never(r.map4_scale)


def cast_scale(base: Value, r: Recipe) -> tuple[int, Value]:
    """Return (byte, value) of a block scale. N7."""
    base = _floor(base, r)
    match r.scale_format:
        case ScaleFormat.E4M3:
            return _e4m3(base, r)
        case ScaleFormat.E8M0_UP:
            return _e8m0_up(base)
        case _:
            assert_never(r.scale_format)


def _floor(base: Value, r: Recipe) -> Value:
    match r.scale_floor:
        case ScaleFloor.NONE | ScaleFloor.ZERO_IS_EIGHTH:
            return base
        case ScaleFloor.MIN_NORMAL:
            return largest(base, ONE >> 6)
        case ScaleFloor.ZERO_IS_ONE:
            return largest(base or ONE, ONE >> 9)
        case _:
            assert_never(r.scale_floor)


def _e4m3(base: Value, r: Recipe) -> tuple[int, Value]:
    if isnan(base):
        return NAN_BYTES[r.scale_nan], base
    code = nearest(base, E4M3)
    if code == 0 and r.scale_floor is ScaleFloor.ZERO_IS_EIGHTH:
        code = EIGHTH
    return code, E4M3[code]


def _e8m0_up(base: Value) -> tuple[int, Value]:
    """Return the smallest power of two that is not below `base`, at least 2**-126 but for a zero.

    Infinity and what lies above 2**127 give byte 255, which counts as infinity. A NaN gives byte 0: its
    exponent field of 255 plus 1 leaves the byte.
    """
    if isinstance(base, float):
        return (0, 0) if isnan(base) else (_E8M0_SPECIAL, inf)
    if base == 0:
        return 0, 0
    code = max((base - 1).bit_length() - 22, 1)
    return code, scale_value(code, ScaleFormat.E8M0_UP)


def scale_value(code: int, fmt: ScaleFormat) -> Value:
    """Return what a block scale byte counts as; the sign bit of an E4M3 byte does not count. N14."""
    match fmt:
        case ScaleFormat.E4M3:
            return nan if code & 0x7F == len(E4M3) else E4M3[code & 0x7F]
        case ScaleFormat.E8M0_UP:
            return 0 if code == 0 else inf if code == _E8M0_SPECIAL else 1 << (code + 22)
        case _:
            assert_never(fmt)
