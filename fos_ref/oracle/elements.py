"""The oracle's elements: scaling, casting to a code, and what a code counts as (N8, N9)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, isnan, nan
from typing import assert_never, TypeAlias

from fos_ref.oracle import random_elements
from fos_ref.oracle.exact import (
    add,
    BFLOAT16,
    cast,
    div,
    E2M1,
    first_nearest,
    FLT_MAX,
    least,
    mul,
    nearest,
    nearest_away,
    nearest_below,
    nearest_multiple,
    ONE,
    OVERFLOW,
    rounded,
    Value,
)
from fos_ref.oracle.grids import Grid
from fos_ref.oracle.scales import Source, Tensor
from fos_ref.recipes.axes import (
    ElementCast,
    ElementNan,
    ElementRounding,
    ElementScaling,
    ReciprocalOverflow,
    ZeroScale,
    ZeroSign,
)
from fos_ref.recipes.recipe import Recipe

Product: TypeAlias = tuple[Sequence[Value], Value]  #: values of a block and s*D
#: What an element is divided by in place of a scale of 0.
INSTEAD_OF_ZERO = {
    ZeroScale.SCALE_ONE: ONE,
    ZeroScale.SCALE_2_127: ONE >> 127,
    ZeroScale.SCALE_2_126: ONE >> 126,
}


def scale_elements(source: Source, s: Value, r: Recipe) -> tuple[Value, Sequence[bool], list[Value]]:
    """Return (multiplier or divisor, signs, scaled magnitudes) of a block under the block scale s. N8."""
    if s == 0:
        s = INSTEAD_OF_ZERO.get(r.zero_scale, 0)
    by = _multiplier(s, source.tensor, r)
    if _forced_to_zero(source, s, by, r):
        return by, [False] * len(source.sizes), [0] * len(source.sizes)
    match r.element_scaling:
        case (
            ElementScaling.RECIPROCAL_OF_PRODUCT
            | ElementScaling.RECIPROCAL_QUOTIENT
            | ElementScaling.ENCODE_QUOTIENT
        ):
            scaled = [mul(v, by) for v in source.sizes]
        case ElementScaling.DIVIDE_BY_PRODUCT | ElementScaling.DIVIDE_BY_QUOTIENT:
            scaled = [div(v, by) for v in source.sizes]
        case ElementScaling.DIVIDE_THEN_ENCODE:
            t = source.tensor
            scaled = [mul(cast(div(v, by), t.dtype), t.encode) for v in source.sizes]
        case ElementScaling.ENCODE_THEN_DIVIDE:
            scaled = [div(mul(v, source.tensor.encode), by) for v in source.sizes]
        case ElementScaling.DECODE_THEN_DIVIDE:
            scaled = [div(div(v, source.tensor.decode), by) for v in source.sizes]
        case _:
            assert_never(r.element_scaling)
    return by, source.negative, scaled


def _forced_to_zero(source: Source, s: Value, by: Value, r: Recipe) -> bool:
    match r.zero_scale:
        case ZeroScale.DIVISOR_ZERO:
            return by == 0
        case ZeroScale.ZERO_CODES:
            return s == 0
        case ZeroScale.ZERO_BLOCKS:
            return source.amax == 0
        case ZeroScale.NO_SPECIAL_CASE:
            return False
        case ZeroScale.SCALE_ONE | ZeroScale.SCALE_2_127 | ZeroScale.SCALE_2_126 | ZeroScale.PRODUCT_ONE:
            return False
        case ZeroScale.MULTIPLIER_ZERO | ZeroScale.PRODUCT_ZERO | ZeroScale.PRODUCT_TINY:
            return False  # the values are multiplied: by what, _multiplier says
        case _:
            assert_never(r.zero_scale)


def _multiplier(s: Value, t: Tensor, r: Recipe) -> Value:
    instead = _instead(s, t, r)
    if instead is not None:
        return instead
    match r.element_scaling:
        case ElementScaling.RECIPROCAL_OF_PRODUCT:
            m = _overflowed(div(ONE, mul(s, t.decode)), r)
        case ElementScaling.DIVIDE_BY_PRODUCT:
            m = mul(s, t.decode)
            m = ONE if m == 0 and r.zero_scale is ZeroScale.PRODUCT_ONE else m
        case ElementScaling.DIVIDE_BY_QUOTIENT:
            m = div(s, t.encode)
        case ElementScaling.ENCODE_QUOTIENT:
            m = div(t.encode, s)
        case (
            ElementScaling.DIVIDE_THEN_ENCODE
            | ElementScaling.ENCODE_THEN_DIVIDE
            | ElementScaling.DECODE_THEN_DIVIDE
        ):
            m = s
        case ElementScaling.RECIPROCAL_QUOTIENT:
            m = div(div(ONE, t.decode), s)
        case _:
            assert_never(r.element_scaling)
    return m


def _instead(s: Value, t: Tensor, r: Recipe) -> Value | None:
    """Return what a zero scale makes of the multiplier, None where nothing does."""
    if r.zero_scale is ZeroScale.MULTIPLIER_ZERO:
        return 0 if s == 0 else None
    if r.zero_scale not in (ZeroScale.PRODUCT_ZERO, ZeroScale.PRODUCT_TINY) or mul(s, t.decode) != 0:
        return None
    return 0 if r.zero_scale is ZeroScale.PRODUCT_ZERO else rounded(ONE, 10**8)


def _overflowed(inverse: Value, r: Recipe) -> Value:
    match r.reciprocal_overflow:
        case ReciprocalOverflow.CLAMP_TO_MAX:
            return least(inverse, FLT_MAX)
        case ReciprocalOverflow.MINIMUM_NUMBER:
            return FLT_MAX if isnan(inverse) else least(inverse, FLT_MAX)
        case ReciprocalOverflow.INFINITY:
            return inverse
        case _:
            assert_never(r.reciprocal_overflow)


def cast_elements(  # noqa: PLR0917 -- the operands of one step
    negative: Sequence[bool],
    scaled: Sequence[Value],
    grid: Grid,
    r: Recipe,
    product: Product | None = None,
    random: Sequence[int] | None = None,
) -> list[tuple[int, Value]]:
    """Return (code, value) of each scaled magnitude with its sign. N9.

    product: the values and s*D, for the cast that compares with them
    random:  the random number of each value, where the recipe rounds stochastically
    """
    pairs = list(zip(negative, scaled, strict=True))
    if r.rounds_elements:
        assert random is not None
        return _stochastic(random_elements.cast(negative, scaled, r, random), grid, r)
    if grid.integer:
        return [_integer(minus, mul(y, grid.rescale), grid) for minus, y in pairs]
    if r.element_cast is ElementCast.NEAREST_PRODUCT:
        assert product is not None
        x, d = product
        return [_nearest_product(v, d, y, grid, r) for v, y in zip(x, scaled, strict=True)]
    size = _magnitude(grid, r)
    keeps = _keeps_sign(r.zero_sign)
    if r.zero_sign is ZeroSign.NOT_POSITIVE:
        pairs = [(minus or y == 0, y) for minus, y in pairs]
    found = [_signed(minus, y, size(y), keeps, grid.sign) for minus, y in pairs]
    always = r.zero_sign is ZeroSign.ALWAYS
    return [(grid.sign, 0) if code == 0 and always else (code, q) for code, q in found]


def _stochastic(
    found: Sequence[tuple[bool, Value, int, Value]], grid: Grid, r: Recipe
) -> list[tuple[int, Value]]:
    """Return (code, value) with signs, those of zeros and of NaN as the recipe says."""
    nan_code, keeps = _nan_code(grid, r), _keeps_sign(r.zero_sign)
    torch = r.element_rounding is ElementRounding.FOUROVERSIX_TORCH
    codes = []
    for minus, y, code, q in found:
        if code < 0:
            codes.append((nan_code, nan if torch else grid.value(nan_code)))
        elif code == 0 and r.zero_sign in (ZeroSign.ALWAYS, ZeroSign.NOT_POSITIVE):
            below = minus or y == 0 or r.zero_sign is ZeroSign.ALWAYS
            codes.append((grid.sign if below else 0, 0))
        elif r.element_rounding in (ElementRounding.FOUROVERSIX_TORCH, ElementRounding.QUARTET2_SIMULATOR):
            codes.append((code | grid.sign if minus else code, -q if minus else q))
        else:
            codes.append(_signed(minus, y, (code, q), keeps, grid.sign))
    return codes


def _nan_code(grid: Grid, r: Recipe) -> int:
    match r.element_nan:
        case ElementNan.CODE_7:
            return grid.nan_code
        case ElementNan.CODE_0:
            return 0
        case ElementNan.CODE_8:
            return grid.sign
        case ElementNan.CODE_B | ElementNan.WRAPS:
            return 0xB
        case _:
            assert_never(r.element_nan)


def _magnitude(grid: Grid, r: Recipe) -> Callable[[Value], tuple[int, Value]]:
    """Return the function that gives a magnitude's code and value, the code of a NaN included."""
    nan_code = _nan_code(grid, r)
    match r.element_cast:
        case ElementCast.UNSATURATED:
            return _unsaturated
        case ElementCast.SATURATE:
            index = nearest
        case ElementCast.TIES_AWAY:
            index = nearest_away
        case ElementCast.TIES_TO_SMALLER:
            index = nearest_below
        case ElementCast.FIRST_NEAREST:
            index = first_nearest
        case ElementCast.NEAREST_PRODUCT:
            msg = "the nearest product is no function of the scaled value"
            raise AssertionError(msg)
        case _:
            assert_never(r.element_cast)

    def on_the_grid(y: Value) -> tuple[int, Value]:
        if isnan(y):
            return nan_code, grid.value(nan_code)
        code = index(y, grid.sizes)
        return code, grid.sizes[code]

    return on_the_grid


def _nearest_product(x: Value, d: Value, y: Value, grid: Grid, r: Recipe) -> tuple[int, Value]:
    """Return the first of all codes whose |value * d - x| is the smallest, each operation rounded. N9g."""
    if isnan(y):
        code = _nan_code(grid, r)
        return code, grid.value(code)
    distances = [abs(add(mul(grid.value(code), d), -x)) for code in range(2 * grid.sign)]
    known = [inf if isnan(v) else v for v in distances]
    code = known.index(min(known))
    return code, grid.value(code)


def _keeps_sign(rule: ZeroSign) -> Callable[[Value], bool]:
    """Return the function that says of a magnitude whose code is zero whether it keeps its sign."""
    match rule:
        case ZeroSign.SIGN_BIT | ZeroSign.NOT_POSITIVE | ZeroSign.ALWAYS:
            return lambda _: True
        case ZeroSign.NEGATIVE_VALUES:
            return lambda y: y != 0
        case ZeroSign.NEVER:
            return lambda _: False
        case _:
            assert_never(rule)


def _signed(
    negative: bool,  # noqa: FBT001 -- a sign bit
    y: Value,
    found: tuple[int, Value],
    keeps: Callable[[Value], bool],
    sign: int,
) -> tuple[int, Value]:
    """Return the code and the value of the scaled magnitude y with its sign; a NaN's code has its own."""
    code, q = found
    if not negative or isnan(y) or isnan(q):
        return code, q
    if code == 0 and not keeps(y):
        return 0, 0
    return code | sign, -q


def _integer(negative: bool, y: Value, grid: Grid) -> tuple[int, Value]:  # noqa: FBT001 -- a sign bit
    """Return the nearest step up to the largest, ties to even, without a -0; a NaN is 0. N9d."""
    y = least(y, grid.sizes[-1])
    if isinstance(y, float):
        return 0, 0
    n = nearest_multiple(y, grid.sizes[1])
    if not negative or n == 0:
        return n, grid.sizes[n]
    return (2 * grid.sign - n if grid.twos_complement else grid.sign | n), -grid.sizes[n]


def _unsaturated(y: Value) -> tuple[int, Value]:
    """Return (code, magnitude) on the grid that goes on above 6 in steps of 2; NaN if 2y overflows. N9b."""
    if isinstance(y, float) or 2 * y >= OVERFLOW:
        return 0xB, nan
    step = ONE // 2 if y < 2 * ONE else ONE if y < 4 * ONE else 2 * ONE
    q = nearest_multiple(y, step) * step
    if q <= 6 * ONE:
        return E2M1.index(q), q
    short = cast(q, BFLOAT16)
    assert isinstance(short, int)
    exponent = short.bit_length() - 1 - 149
    return ((exponent + 1) << 1 | short >> (exponent + 148) & 1) & 0xFF, q
