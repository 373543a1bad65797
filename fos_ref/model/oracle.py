"""The exact oracle: the recipe's arithmetic once more, on exact ratios of integers.

It shares data with the recipes and no arithmetic with the formats or the model: `fos_ref.model.exact` rounds
each exact result once. Slow and simple: it exists to be believed. Overflow, infinities and NaN are modelled.
The labels N3..N14 are those of docs/numerics.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from math import isnan, nan
from typing import assert_never

from fos_ref.errors import InputError
from fos_ref.model.exact import (
    add,
    div,
    E2M1,
    E4M3,
    FLT_MAX,
    from_bits,
    largest,
    least,
    mul,
    nearest,
    nearest_multiple,
    ONE,
    rounded,
    Value,
)
from fos_ref.recipes.axes import (
    BlockScale,
    Candidates,
    Dequantize,
    ElementCast,
    ElementNan,
    ErrorDomain,
    ErrorMetric,
    Map4Scale,
    ReciprocalOverflow,
    Reduction,
    ScaleNan,
    TensorScale,
    Tie,
    ZeroScale,
    ZeroSign,
)
from fos_ref.recipes.recipe import BLOCK, Recipe


@dataclass(frozen=True, slots=True)
class Tensor:
    """The tensor scales: A, S and D."""

    amax: Value
    encode: Value
    decode: Value


@dataclass(frozen=True, slots=True)
class Candidate:
    """One candidate of a block, step by step; fields as in fos_ref.model.trace.Candidate."""

    base: Value
    scale_code: int
    scale: Value
    multiplier: Value
    negative: list[bool]  #: signs of the scaled values, of zeros too
    scaled: list[Value]
    codes: list[int]
    values: list[Value]
    differences: list[Value]
    error: Value | None


@dataclass(frozen=True, slots=True)
class Block:
    """A quantized block with every intermediate."""

    block_amax: Value
    base: Value
    map6: Candidate | None
    map4: Candidate | None
    picked4: bool
    codes: list[int]
    scale_code: int


def tensor_scales(amax: Value, r: Recipe) -> Tensor:
    """Return A, S and D of a tensor or row whose amax is `amax`. N3."""
    s = div(r.range_max * ONE, amax)
    match r.tensor_scale:
        case TensorScale.CLAMPED:
            s = least(s, FLT_MAX) or ONE
        case TensorScale.CLAMPED_ZERO_IS_ONE:
            s = ONE if amax == 0 else least(s, FLT_MAX) or ONE
        case TensorScale.ZERO_SCALES:
            s = 0 if amax == 0 else s
        case _:
            assert_never(r.tensor_scale)
    return Tensor(amax, s, div(ONE, s))


def given_tensor_scale(decode: Value, r: Recipe) -> Tensor:
    """Return A, S and D for a decode scale that the caller fixes. N3."""
    return Tensor(mul(decode, r.range_max * ONE), div(ONE, decode), decode)


def quantize_block(x: Sequence[int], t: Tensor, r: Recipe) -> Block:
    """Quantize 16 or 256 float32 bit patterns under the tensor scales `t`. N4-N13."""
    b = reduce(largest, (from_bits(bits & 0x7FFFFFFF) for bits in x))
    base = block_scale(b, t, r)
    map6 = None if r.candidates is Candidates.FOUR else candidate(x, base, t, r)
    map4 = candidate(x, base, t, r) if r.candidates is Candidates.FOUR else None
    if r.candidates is Candidates.FOUR_OVER_SIX:
        assert r.map4_scale is Map4Scale.EXPAND_BEFORE_ROUNDING
        map4 = candidate(x, mul(base, 3 * ONE // 2), t, r)
    picked4 = map6 is None or (map4 is not None and picks_4(map4.error, map6.error, r))
    kept = map4 if picked4 else map6
    assert kept is not None
    return Block(b, base, map6, map4, picked4, kept.codes, kept.scale_code)


def block_scale(b: Value, t: Tensor, r: Recipe) -> Value:
    """Return the block scale before its rounding to E4M3. N5."""
    six = r.element_max * ONE
    match r.block_scale:
        case BlockScale.DIVIDE_THEN_MULTIPLY:
            return mul(div(b, six), t.encode)
        case BlockScale.FOLDED_RECIPROCAL:
            return least(mul(b, mul(t.encode, div(ONE, six))), FLT_MAX)
        case _:
            assert_never(r.block_scale)


def candidate(x: Sequence[int], base: Value, t: Tensor, r: Recipe) -> Candidate:
    """Quantize a block under one unrounded block scale. N7-N12."""
    if isnan(base):
        code, scale = 0xFF if r.scale_nan is ScaleNan.CODE_FF else 0x7F, base
    else:
        code = nearest(base, E4M3)
        scale = E4M3[code]
    inverse = div(ONE, mul(scale, t.decode))
    if r.reciprocal_overflow is ReciprocalOverflow.CLAMP_TO_MAX:
        inverse = least(inverse, FLT_MAX)
    forced = scale == 0 and r.zero_scale is ZeroScale.ZERO_CODES
    negative = [bits >> 31 == 1 and not forced for bits in x]
    scaled = [0 if forced else mul(from_bits(bits & 0x7FFFFFFF), inverse) for bits in x]
    elements = [cast(minus, y, r) for minus, y in zip(negative, scaled, strict=True)]
    values = [v for _, v in elements]
    differences: list[Value] = []
    if r.error_domain is not None:
        products = [mul(v, scale) for v in values]
        differences = [difference(p, from_bits(i), t, r) for p, i in zip(products, x, strict=True)]
    error = block_error(differences, r) if differences else None
    codes = [c for c, _ in elements]
    return Candidate(base, code, scale, inverse, negative, scaled, codes, values, differences, error)


def cast(negative: bool, y: Value, r: Recipe) -> tuple[int, Value]:  # noqa: FBT001 -- a sign bit
    """Return (code, value) of the scaled magnitude y with its sign. N9."""
    if r.element_cast is ElementCast.UNSATURATED:
        code, q = unsaturated(y)
    elif isnan(y):
        code = {ElementNan.CODE_7: 0x7, ElementNan.CODE_0: 0}[r.element_nan]
        return code, E2M1[code]
    else:
        code = nearest(y, E2M1)
        q = E2M1[code]
    if isnan(q):
        return 0xB, q
    if y == 0 and r.zero_sign is ZeroSign.NEGATIVE_VALUES:
        return 0, 0
    return code | negative << 3, -q if negative else q


def unsaturated(y: Value) -> tuple[int, Value]:
    """Return (code, magnitude) on the grid that goes on above 6 in steps of 2; NaN if 2y overflows. N9b."""
    if isinstance(y, float) or isinstance(mul(y, 2 * ONE), float):
        return 0xB, nan
    step = ONE // 2 if y < 2 * ONE else ONE if y < 4 * ONE else 2 * ONE
    q = nearest_multiple(y, step) * step
    if q <= 6 * ONE:
        return E2M1.index(q), q
    short = rounded(q, digits=8)  # as bfloat16
    assert isinstance(short, int)
    exponent = short.bit_length() - 1 - 149
    return ((exponent + 1) << 1 | short >> (exponent + 148) & 1) & 0xFF, q


def difference(product: Value, x: Value, t: Tensor, r: Recipe) -> Value:
    """Return the error of one element, each operation rounded. N10."""
    match r.error_domain:
        case ErrorDomain.INPUT_AMAX:
            return add(div(mul(product, t.amax), r.range_max * ONE), -x)
        case ErrorDomain.INPUT_DECODE:
            return add(mul(product, t.decode), -x)
        case ErrorDomain.SCALED:
            return add(product, -mul(x, t.encode))
        case None:
            msg = f"recipe {r.name!r} has one candidate and measures no error"
            raise InputError(msg)
        case _:
            assert_never(r.error_domain)


def block_error(differences: Sequence[Value], r: Recipe) -> Value:
    """Return the error of a block, added in the recipe's order. N11, N12."""
    terms = [mul(d, d) if r.error_metric is ErrorMetric.MSE else abs(d) for d in differences]
    match r.reduction:
        case None:
            return reduce(largest, terms)
        case Reduction.SEQUENTIAL:
            rows = [reduce(add, terms[i : i + BLOCK]) for i in range(0, len(terms), BLOCK)]
            while len(rows) > 1:
                rows = [add(rows[i], rows[i + len(rows) // 2]) for i in range(len(rows) // 2)]
            return rows[0]
        case Reduction.TORCH_CPU:
            strides = range(0, min(32, len(terms)), 8)
            return reduce(
                add, (reduce(add, (reduce(add, terms[j + s :: 32]) for s in strides)) for j in range(8))
            )
        case _:
            assert_never(r.reduction)


def picks_4(err4: Value | None, err6: Value | None, r: Recipe) -> bool:
    """Return whether map-to-4 is kept; never on a NaN. N13."""
    assert err4 is not None
    assert err6 is not None
    return err4 <= err6 if r.tie is Tie.FOUR else err4 < err6


def dequantize_element(code: int, scale_code: int, t: Tensor, r: Recipe) -> Value:
    """Return the value of one code by the recipe's expression, each operation rounded; no -0. N14."""
    scale = nan if scale_code & 0x7F == len(E4M3) else E4M3[scale_code & 0x7F]
    q = -E2M1[code & 7] if code & 8 else E2M1[code & 7]
    match r.dequantize:
        case Dequantize.AMAX_DIVIDE:
            return div(mul(mul(q, scale), t.amax), r.range_max * ONE)
        case Dequantize.AMAX_RECIPROCAL:
            return mul(q, mul(mul(scale, t.amax), div(ONE, r.range_max * ONE)))
        case Dequantize.DECODE:
            return mul(mul(q, scale), t.decode)
        case _:
            assert_never(r.dequantize)
