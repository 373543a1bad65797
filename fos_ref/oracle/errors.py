"""The oracle's errors: the difference of an element, the sum over a block, the choice (N10 to N13)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import isnan, nan
from typing import assert_never, Literal, TypeAlias

from fos_ref.errors import InputError
from fos_ref.oracle.exact import (
    add,
    cast,
    div,
    E2M1,
    E4M3,
    FLOAT32,
    fma,
    largest,
    mul,
    nearest,
    ONE,
    Precision,
    Value,
)
from fos_ref.oracle.grids import Grid
from fos_ref.oracle.power import power
from fos_ref.oracle.scales import Source, Tensor
from fos_ref.recipes.axes import ErrorDomain, ErrorMetric, Reduction, Tie
from fos_ref.recipes.recipe import BLOCK, Recipe

HALF = BLOCK // 2


def differences(source: Source, values: Sequence[Value], s: Value, grid: Grid, r: Recipe) -> list[Value]:
    """Return the error of each element: the input against what its code counts as under block scale s. N10.

    The list is empty for a recipe that measures none.
    """
    x, t = source.x, source.tensor
    match r.error_domain:
        case None:
            return []
        case ErrorDomain.TRIAL:
            return trial(source, r)
        case ErrorDomain.UNSCALED:
            return unscaled(source)
        case ErrorDomain.RECIPROCALS | ErrorDomain.FUSED_RESIDUAL | ErrorDomain.STRAIGHT_THROUGH:
            pairs = zip(values, x, strict=True)
            factor = mul(s, t.decode)
            return [_by_factor(q, v, factor, grid, r.error_domain) for q, v in pairs]
        case ErrorDomain.SCALED:
            x = [mul(v, t.encode) for v in x]
        case ErrorDomain.DECODED:
            x = [div(v, t.decode) for v in x]
    worth = {q: counts_as(q, s, t, r, unit=grid.unit) for q in set(values)}
    return [add(worth[q], -v) for q, v in zip(values, x, strict=True)]


_ByFactor: TypeAlias = Literal[
    ErrorDomain.RECIPROCALS, ErrorDomain.FUSED_RESIDUAL, ErrorDomain.STRAIGHT_THROUGH
]


def _by_factor(q: Value, v: Value, p: Value, grid: Grid, form: _ByFactor) -> Value:
    """Return the difference in the forms that have steps of their own around p = s*D. N10f, N10i, N10j."""
    match form:
        case ErrorDomain.FUSED_RESIDUAL:
            return fma(mul(q, grid.unit), -p, v)
        case ErrorDomain.STRAIGHT_THROUGH:
            return add(add(v, add(mul(mul(q, p or ONE), grid.unit), -v)), -v)
        case ErrorDomain.RECIPROCALS:
            return add(mul(mul(q, _reciprocal(_reciprocal(p))), grid.unit), -v)
        case _:
            assert_never(form)


def _reciprocal(v: Value) -> Value:
    return div(ONE, v) if v != 0 else 0


def counts_as(q: Value, s: Value, t: Tensor, r: Recipe, *, unit: Value) -> Value:
    """Return what the value q of a code counts as in the recipe's error, each operation rounded. N10."""
    match r.error_domain:
        case ErrorDomain.INPUT_AMAX:
            return div(mul(mul(mul(q, s), t.amax), unit), t.range_max)
        case ErrorDomain.INPUT_DECODE:
            return mul(mul(mul(q, s), t.decode), unit)
        case ErrorDomain.SCALED | ErrorDomain.DECODED:
            return mul(mul(q, s), unit)
        case ErrorDomain.INPUT_QUOTIENT:
            return mul(mul(q, div(s, t.encode)), unit)
        case ErrorDomain.INPUT_PRODUCT:
            return mul(mul(q, mul(s, t.decode)), unit)
        case _:
            msg = f"recipe {r.name!r} measures no value of its own codes"
            raise InputError(msg)


def trial(source: Source, r: Recipe) -> list[Value]:
    """Return the differences of the trial quantizer under the candidate's block amax. N10g."""
    most = 448 * ONE
    a = div(mul(source.tensor.amax, div(most, r.scale_max * ONE)), 6 * ONE)
    k = mul(div(ONE, ONE if a <= ONE >> 24 else a), most)
    base = mul(div(source.amax, 6 * ONE), k)
    stored = base if isnan(base) else E4M3[nearest(base, E4M3)]
    s = mul(stored, div(ONE, k))
    pairs = zip(source.sizes, source.negative, strict=True)
    return [_trial_difference(size, s, negative) for size, negative in pairs]


def _trial_difference(size: Value, s: Value, negative: bool) -> Value:  # noqa: FBT001 -- a sign bit
    y = div(size, s)
    value = 0 if s == 0 else mul(E2M1[-1] if isnan(y) else E2M1[nearest(y, E2M1)], s)
    return add(-value, size) if negative else add(value, -size)


def unscaled(source: Source) -> list[Value]:
    """Return the differences of a quantizer in the input's dtype, for the source's range. N10k."""
    to = source.tensor.dtype
    z = cast(div(source.amax, 6 * ONE), to) or ONE >> (to.digits - 1)
    return [_unscaled_difference(v, z, to) for v in source.x]


def _unscaled_difference(v: Value, z: Value, to: Precision) -> Value:
    y = cast(div(abs(v), z), to)
    if isnan(y):
        return nan
    size = cast(mul(E2M1[nearest(y, E2M1)], z), to)
    return cast(add(-size if v < 0 else size, -v), to)


def block_error(d: Sequence[Value], r: Recipe, dtype: Precision = FLOAT32) -> Value:
    """Return the error of a block's differences, added in the recipe's order. N11, N12.

    Of a quantizer in the input's `dtype` each term and the sum are rounded to that.
    """
    to = dtype if r.error_domain is ErrorDomain.UNSCALED else FLOAT32
    return cast(_total(d, [cast(_term(v, r, to), to) for v in d], r), to)


def _term(v: Value, r: Recipe, to: Precision) -> Value:
    match r.error_metric:
        case ErrorMetric.MSE:
            return mul(v, v)
        case ErrorMetric.POWER:
            return power(abs(v), to) if isinstance(v, int) else abs(v)
        case _:
            return abs(v)


def _total(d: Sequence[Value], terms: Sequence[Value], r: Recipe) -> Value:
    match r.reduction:
        case None:
            return reduce(largest, terms)
        case Reduction.SEQUENTIAL:
            return _rows([_in_order(row) for row in _cut(terms)])
        case Reduction.FUSED_SEQUENTIAL:
            return _rows([_fused(row) for row in _cut(d)])
        case Reduction.HALVES:
            return add(_in_order(terms[:HALF]), _in_order(terms[HALF:]))
        case Reduction.FUSED_EVEN_ODD:
            quarters = [_fused(half[start::2]) for half in (d[:HALF], d[HALF:]) for start in (0, 1)]
            return add(add(*quarters[:2]), add(*quarters[2:]))
        case Reduction.TORCH_CPU:
            strides = range(0, min(32, len(terms)), 8)
            lanes = [_in_order([_in_order(terms[j + s :: 32]) for s in strides]) for j in range(8)]
            return _in_order(lanes)
        case _:
            assert_never(r.reduction)


def _in_order(terms: Sequence[Value]) -> Value:
    return reduce(add, terms)


def _fused(d: Sequence[Value]) -> Value:
    """Return e = fma(d, d, e) over the differences, from 0."""
    total: Value = 0
    for v in d:
        total = fma(v, v, total)
    return total


def _cut(values: Sequence[Value]) -> list[Sequence[Value]]:
    return [values[i : i + BLOCK] for i in range(0, len(values), BLOCK)]


def _rows(sums: list[Value]) -> Value:
    """Return the sum of a tile's row sums, the halves added to each other until one is left."""
    while len(sums) > 1:
        half = len(sums) // 2
        sums = [add(sums[i], sums[i + half]) for i in range(half)]
    return sums[0]


def picks_4(err4: Value | None, err6: Value | None, r: Recipe) -> bool:
    """Return whether map-to-4 is kept; never on a NaN. N13."""
    assert err4 is not None
    assert err6 is not None
    return err4 <= err6 if r.tie is Tie.FOUR else err4 < err6
