"""The oracle's scales: tensor scale, block scale, map-to-4 scale and their casts (N3, N5, N6, N7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isnan, nan
from typing import assert_never, Literal, TypeAlias

from fos_ref.oracle import e8m0, random_scales
from fos_ref.oracle.exact import (
    add,
    cast,
    div,
    E4M3,
    E5M3,
    FLOAT32,
    FLT_MAX,
    largest,
    least,
    mul,
    nearest,
    ONE,
    Precision,
    rounded,
    Value,
)
from fos_ref.oracle.grids import exponent, grids, UNIT
from fos_ref.recipes.axes import (
    BlockScale,
    Map4Scale,
    ScaleFloor,
    ScaleFormat,
    ScaleNan,
    ScaleRounding,
    TensorScale,
)
from fos_ref.recipes.recipe import Recipe

EXPANSION = 3 * ONE // 2
NAN_BYTES = {ScaleNan.CODE_7F: 0x7F, ScaleNan.CODE_FF: 0xFF}
EIGHTH = E4M3.index(ONE // 8)
_INSTEAD = {ScaleFloor.ZERO_IS_EIGHTH: EIGHTH, ScaleFloor.ZERO_CODE_IS_ONE: E4M3.index(ONE)}
NAN_E5M3 = len(E5M3)
#: From which fraction on, in float32 steps, an exponent is rounded up.
_UP_FROM = {ScaleFormat.E8M0_FLOOR: 1 << 23, ScaleFormat.E8M0_EVEN: 3 << 21, ScaleFormat.E8M0_CEIL: 1}


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
    random: Sequence[int] | None = None  #: of each value, or one of the block scale


def number(v: float) -> Value:
    """Return a constant of a recipe as float32."""
    return rounded(Fraction(v).numerator * ONE, Fraction(v).denominator)


def tensor_scales(amax: Value, r: Recipe, dtype: Precision = FLOAT32) -> Tensor:
    """Return A, S and D of a tensor or row whose amax is `amax`, of an input of `dtype`. N3."""
    ratio = div(number(r.range_max), amax)
    match r.tensor_scale:
        case TensorScale.CLAMPED:
            s = least(ratio, FLT_MAX) or ONE
        case TensorScale.CLAMPED_ZERO_IS_ONE:
            s = ONE if amax == 0 else least(ratio, FLT_MAX) or ONE
        case TensorScale.ZERO_SCALES:
            s = 0 if amax == 0 else ratio
        case TensorScale.QUOTIENT:
            s = ratio
        case TensorScale.QUOTIENT_ZERO_IS_ONE:
            s = ONE if amax == 0 else ratio
        case TensorScale.RECIPROCAL_IN_INPUT_DTYPE:
            inverse = cast(div(ONE, largest(amax, dtype.smallest_normal)), dtype)
            s = cast(mul(inverse, number(r.range_max)), dtype)
            s = s if isinstance(s, int) else ONE
        case (
            TensorScale.DECODE_QUOTIENT
            | TensorScale.DECODE_QUOTIENT_ZERO_IS_ONE
            | TensorScale.DECODE_QUOTIENT_OF_FOUR
            | TensorScale.DECODE_TWO_QUOTIENTS
            | TensorScale.DECODE_TWO_QUOTIENTS_SHORT
        ):
            return _of_decode(amax, _quotient(amax, r), r, dtype)
        case TensorScale.DECODE_RECIPROCALS:
            d = mul(mul(amax, div(ONE, number(r.scale_max))), div(ONE, number(r.element_max)))
            return _of_decode(amax, ONE if amax == 0 else d, r, dtype)
        case TensorScale.NONE:
            s = ONE
        case _:
            return _of_reciprocals(amax, r, r.tensor_scale, dtype)
    return Tensor(amax, s, div(ONE, s), number(r.range_max), dtype)


def _quotient(amax: Value, r: Recipe) -> Value:
    """Return D as a quotient of A, by C or by 4 * M; 1 for A = 0 but in the plain form."""
    if amax == 0 and r.tensor_scale is not TensorScale.DECODE_QUOTIENT:
        return ONE
    if r.tensor_scale is TensorScale.DECODE_TWO_QUOTIENTS:
        return div(div(amax, number(r.bound)), number(r.element_max))
    if r.tensor_scale is TensorScale.DECODE_TWO_QUOTIENTS_SHORT:
        short = Fraction(r.scale_max) - Fraction(1, 100)
        return div(div(amax, rounded(short.numerator * ONE, short.denominator)), number(r.element_max))
    four = r.tensor_scale is TensorScale.DECODE_QUOTIENT_OF_FOUR
    return div(amax, number(4 * r.scale_max if four else r.range_max))


_Reciprocals: TypeAlias = Literal[
    TensorScale.RECIPROCAL_TIMES_RANGE,
    TensorScale.RECIPROCAL_ZERO_SCALES,
    TensorScale.ENCODE_OF_PRODUCT,
    TensorScale.ENCODE_OF_QUOTIENT,
    TensorScale.OF_SCALES,
]


def _of_reciprocals(amax: Value, r: Recipe, form: _Reciprocals, dtype: Precision) -> Tensor:
    """Return A, S and D where S is made by reciprocals: of A, of A/C or of A * RN(1/C)."""
    c = number(r.range_max)
    if form is TensorScale.OF_SCALES:
        d = mul(amax, div(ONE, number(r.bound)))
        return Tensor(amax, 0 if d == 0 else div(ONE, d), d, c, dtype)
    s: Value = FLT_MAX if form is TensorScale.RECIPROCAL_TIMES_RANGE else 0
    match form:
        case TensorScale.RECIPROCAL_TIMES_RANGE | TensorScale.RECIPROCAL_ZERO_SCALES:
            s = s if amax == 0 else mul(div(ONE, amax), c)
        case TensorScale.ENCODE_OF_PRODUCT:
            s = 0 if amax == 0 else div(ONE, mul(amax, div(ONE, c)))
        case TensorScale.ENCODE_OF_QUOTIENT:
            s = ONE if amax == 0 else div(ONE, div(amax, c))
        case _:
            assert_never(form)
    vanishes = s == 0 and (amax == 0 or form is TensorScale.RECIPROCAL_ZERO_SCALES)
    return Tensor(amax, s, 0 if vanishes else div(ONE, s), c, dtype)


def given_tensor_scale(decode: Value, r: Recipe, dtype: Precision = FLOAT32) -> Tensor:
    """Return A, S and D for a decode scale that the caller fixes. N3."""
    return _of_decode(mul(decode, number(r.range_max)), decode, r, dtype)


def given_encode_scale(encode: Value, r: Recipe, dtype: Precision = FLOAT32) -> Tensor:
    """Return A, S and D for an encode scale that the caller fixes. N3."""
    decode = div(ONE, encode)
    return Tensor(mul(decode, number(r.range_max)), encode, decode, number(r.range_max), dtype)


def _of_decode(amax: Value, d: Value, r: Recipe, dtype: Precision) -> Tensor:
    return Tensor(amax, div(ONE, d), d, number(r.range_max), dtype)


def block_scale(b: Value, t: Tensor, m: float, r: Recipe) -> Value:
    """Return the block scale before its cast; m is the element magnitude that b maps to. N5."""
    most = number(m)
    match r.block_scale:
        case BlockScale.DIVIDE_THEN_MULTIPLY:
            v = mul(div(b, most), t.encode)
        case BlockScale.FOLDED_RECIPROCAL:
            v = least(mul(b, mul(t.encode, div(ONE, most))), FLT_MAX)
        case BlockScale.RECIPROCAL_THEN_MULTIPLY:
            v = mul(t.encode, mul(b, div(ONE, most)))
        case BlockScale.DIVIDE_BY_DECODE | BlockScale.DECODE_RECIPROCAL:
            d = mul(most, t.decode)
            v = div(b, d) if r.block_scale is BlockScale.DIVIDE_BY_DECODE else mul(b, div(ONE, d))
        case BlockScale.DIVIDE_THEN_DIVIDE | BlockScale.DECODE_THEN_DIVIDE:
            last_is_m = r.block_scale is BlockScale.DECODE_THEN_DIVIDE
            v = div(div(b, t.decode), most) if last_is_m else div(div(b, most), t.decode)
        case BlockScale.MULTIPLY_THEN_DIVIDE:
            v = div(mul(t.encode, b), most)
        case BlockScale.DIVIDE_IN_INPUT_DTYPE:
            v = mul(t.encode, cast(div(b, most), t.dtype))
        case BlockScale.RECIPROCAL_PER_MAXIMUM:
            v = mul(mul(b, div(ONE, most)), div(ONE, t.decode))
        case BlockScale.NORMALISED:
            v = div(mul(div(b, most) or ONE, number(r.scale_max)), div(t.amax, most))
        case _:
            v = _block_power(b, t, most, r.block_scale)
    return v


_Power: TypeAlias = Literal[BlockScale.AMAX, BlockScale.LOGARITHM, BlockScale.LOGARITHM_IN_INPUT_DTYPE]


def _block_power(b: Value, t: Tensor, most: Value, form: _Power) -> Value:
    """Return what a power of two is made of: b, or b / most with a logarithm that may round to a whole."""
    if form is BlockScale.AMAX:
        return b
    to = FLOAT32 if form is BlockScale.LOGARITHM else t.dtype
    return e8m0.near_power(cast(div(b, most), to), to)


def map4_scale(base: Value, b: Value, t: Tensor, r: Recipe) -> Value:
    """Return the map-to-4 candidate's block scale before its cast. N6."""
    match r.map4_scale:
        case Map4Scale.EXPAND_BEFORE_ROUNDING:
            return mul(base, EXPANSION)
        case Map4Scale.EXPAND_AFTER_ROUNDING:
            return mul(cast_scale(base, r)[1], EXPANSION)
        case Map4Scale.FROM_BLOCK_AMAX:
            return block_scale(b, t, 4, r)
        case Map4Scale.EXPAND_QUOTIENT:
            return div(mul(div(b, number(r.element_max)), EXPANSION), t.decode)
        case Map4Scale.EXPAND_AMAX:
            return block_scale(mul(b, EXPANSION), t, r.element_max, r)
        case None:
            msg = f"recipe {r.name!r} has no map-to-4 candidate"
            raise AssertionError(msg)
        case _:
            assert_never(r.map4_scale)


def cast_scale(
    base: Value,
    r: Recipe,
    random: int | None = None,
    *,
    nearest_only: bool = False,
) -> tuple[int, Value]:
    """Return (byte, value) of a block scale. N7.

    random:       the random number of the block, where its scale is rounded stochastically
    nearest_only: leave that aside: the scale is corrected before it is rounded so
    """
    base = _floor(base, r)
    if r.scale_rounding is not ScaleRounding.NEAREST and not nearest_only:
        assert random is not None
        code = len(E4M3) if isnan(base) else random_scales.code(base, r, random)
        return (NAN_BYTES[r.scale_nan], base) if code == len(E4M3) else (code, E4M3[code])
    match r.scale_format:
        case ScaleFormat.E4M3:
            return _e4m3(base, r)
        case ScaleFormat.E5M3:
            return (NAN_E5M3, base) if isnan(base) else _on(base, E5M3)
        case ScaleFormat.E4M3_HALF_UP:
            return _e4m3_half_up(base)
        case ScaleFormat.E8M0_FLOOR | ScaleFormat.E8M0_EVEN | ScaleFormat.E8M0_CEIL:
            left = exponent(grids(r.element_format)[0])
            return e8m0.of_amax(base, _UP_FROM[r.scale_format], left)
        case ScaleFormat.E8M0_UP:
            found = e8m0.up(base)
        case ScaleFormat.E8M0_UP_SATFINITE:
            found = e8m0.up_satfinite(base)
        case ScaleFormat.E8M0_UP_WRAPS:
            found = e8m0.up_wraps(base)
        case ScaleFormat.E8M0_NEAREST_LOG2:
            found = e8m0.nearest_log2(base)
        case _:
            assert_never(r.scale_format)
    return found


def _floor(base: Value, r: Recipe) -> Value:
    match r.scale_floor:
        case ScaleFloor.NONE | ScaleFloor.ZERO_IS_EIGHTH | ScaleFloor.ZERO_CODE_IS_ONE:
            return base
        case ScaleFloor.MIN_NORMAL:
            return largest(base, ONE >> 6)
        case ScaleFloor.MIN_SUBNORMAL:
            return largest(base, ONE >> 9)
        case ScaleFloor.TINY_IS_ONE:
            return ONE if base < ONE >> 63 else base
        case ScaleFloor.ZERO_IS_ONE:
            return largest(base or ONE, ONE >> 9)
        case ScaleFloor.ZERO_ALONE_IS_ONE:
            return base or ONE
        case _:
            assert_never(r.scale_floor)


def _e4m3(base: Value, r: Recipe) -> tuple[int, Value]:
    if isnan(base):
        return NAN_BYTES[r.scale_nan], base
    code = nearest(base, E4M3)
    if code == 0 and r.scale_floor in _INSTEAD:
        code = _INSTEAD[r.scale_floor]
    return code, E4M3[code]


def _on(base: Value, table: Sequence[int]) -> tuple[int, Value]:
    code = nearest(base, table)
    return code, table[code]


def _e4m3_half_up(base: Value) -> tuple[int, Value]:
    """Return ggml's E4M3: halves upward, at most 7 * 2^-9 below 2^-6, 448 from what reaches 256. N7k."""
    if isnan(base) or base <= 0:
        return 0, 0
    v = least(base, E4M3[-1])
    assert isinstance(v, int)
    if v < ONE >> 6:
        sum_ = add(v << 9, ONE // 2)
        assert isinstance(sum_, int)
        code = min(sum_ // ONE, 7)
    else:
        power = v.bit_length() - 1  # of the leading bit
        code = ((power - UNIT + 7) << 3) + ((v >> (power - 4)) + 1 >> 1) - 8
        code = len(E4M3) - 1 if code >= 15 << 3 else code
    return code, E4M3[code]


def scale_value(code: int, fmt: ScaleFormat) -> Value:
    """Return what a block scale byte counts as; the sign bit of an E4M3 byte does not count. N14."""
    match fmt:
        case ScaleFormat.E4M3:
            return nan if code & 0x7F == len(E4M3) else E4M3[code & 0x7F]
        case ScaleFormat.E4M3_HALF_UP:
            return 0 if code & 0x7F == len(E4M3) else E4M3[code & 0x7F]
        case ScaleFormat.E5M3:
            return nan if code == NAN_E5M3 else E5M3[code]
        case ScaleFormat.E8M0_UP:
            return e8m0.value(code)
        case _:
            return nan if code == e8m0.SPECIAL else 1 << (code - e8m0.BIAS + e8m0.UNIT)
