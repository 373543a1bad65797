"""The oracle's MS-EDEN: nearest elements under a scale that makes up for their rounding (N6h, N6i)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fos_ref.oracle.elements import cast_elements, scale_elements
from fos_ref.oracle.exact import add, BFLOAT16, cast, div, fma, mul, ONE, Value
from fos_ref.oracle.grids import Grid
from fos_ref.oracle.scales import cast_scale, number, Source
from fos_ref.recipes.recipe import Recipe

_KEPT = 5  #: digits of a scale that is cut: the leading one and four more
_DIGITS = 24


class Corrected(NamedTuple):
    """A block before its scale is rounded; fields as in fos_ref.model.corrected.Corrected."""

    multiplier: Value
    negative: Sequence[bool]
    scaled: list[Value]
    elements: list[tuple[int, Value]]
    scale: Value


def by_block(source: Source, grid: Grid, r: Recipe) -> Corrected:
    """Return a block under the scale that is corrected for its 16 values. N6h."""
    sc = _cut(mul(source.amax, div(ONE, number(r.element_max))))
    m = div(ONE, sc) if sc > 0 else 0
    scaled = [mul(v, m) for v in source.sizes]
    elements = cast_elements(source.negative, scaled, grid, r)
    square = even_odd(scaled, scaled)
    product = even_odd(scaled, [_size(q) for _, q in elements])
    correction = ONE if product == 0 else mul(square, div(ONE, product))
    return Corrected(m, source.negative, scaled, elements, cast(mul(sc, correction), BFLOAT16))


def _size(q: Value) -> Value:
    return abs(q)


def _cut(v: Value) -> Value:
    """Return a positive float32 with four fraction bits, the others cut off; 19 bits of a subnormal."""
    if isinstance(v, float):
        return v
    drop = max(v.bit_length(), _DIGITS) - _KEPT
    return v >> drop << drop


def even_odd(a: Sequence[Value], b: Sequence[Value]) -> Value:
    """Return the sum of a * b: even elements by fma in order, odd ones, then both."""
    sums: list[Value] = [0, 0]
    for j, (u, v) in enumerate(zip(a, b, strict=True)):
        sums[j % 2] = fma(u, v, sums[j % 2])
    return add(*sums)


def nearest(source: Source, base: Value, grid: Grid, r: Recipe) -> Corrected:
    """Return a block under its nearest scale, which is not corrected yet."""
    s = cast_scale(base, r, nearest_only=True)[1]
    m, negative, scaled = scale_elements(source, s, r)
    return Corrected(m, negative, scaled, cast_elements(negative, scaled, grid, r), s)


def factor(blocks: Sequence[Corrected]) -> Value:
    """Return the correction of the blocks of a group of 128 values, which are in order. N6i."""
    square = product = None
    for block in blocks:
        for v, (_, q) in zip(block.scaled, block.elements, strict=True):
            a, b = mul(v, v), mul(v, _size(q))
            square = a if square is None else add(square, a)
            product = b if product is None else add(product, b)
    assert square is not None
    assert product is not None
    return ONE if product == 0 else div(square, product)
