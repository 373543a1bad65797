"""The exact oracle: the recipe's arithmetic once more, on exact ratios of integers.

It shares data with the recipes and no arithmetic with the formats or the model: `fos_ref.oracle.exact` rounds
each exact result once. Slow and simple: it exists to be believed. Overflow, infinities and NaN are modelled.
The labels N3..N14 are those of docs/numerics.md; the steps stand in oracle_scales (N3, N5 to N7),
oracle_elements (N8, N9) and oracle_errors (N10 to N13).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isnan, nan
from typing import assert_never

from fos_ref.oracle.corrected import by_block, factor
from fos_ref.oracle.corrected import nearest as nearest_block
from fos_ref.oracle.elements import cast_elements, scale_elements
from fos_ref.oracle.errors import block_error, differences, picks_4
from fos_ref.oracle.exact import div, from_bits, mul, ONE, Precision, Value
from fos_ref.oracle.grids import Grid, grids
from fos_ref.oracle.scales import (
    block_scale,
    cast_scale,
    EXPANSION,
    map4_scale,
    scale_value,
    Source,
    Tensor,
)
from fos_ref.oracle.search import first_least, starts, widened
from fos_ref.recipes.axes import Candidates, Dequantize, NonFinite
from fos_ref.recipes.recipe import Recipe

INT4_FLAG = 0x80


@dataclass(frozen=True, slots=True)
class Candidate:
    """One candidate of a block, step by step; fields as in fos_ref.model.trace.Candidate."""

    grid: Grid
    base: Value
    scale_code: int
    scale: Value
    multiplier: Value
    negative: Sequence[bool]  #: signs of the scaled values, of zeros too
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


def block_amax(x: Sequence[int], r: Recipe) -> Value:
    """Return the largest magnitude of float32 bit patterns; a NaN is carried or skipped. N2, N4."""
    return _largest([from_bits(bits & 0x7FFFFFFF) for bits in x], r)


def tensor_amax(blocks: Sequence[Sequence[int]], r: Recipe, dtype: Precision) -> Value:
    """Return the tensor amax of blocks of float32 bits; a search for ranges looks in each. N2, N6f."""
    one = Tensor(ONE, ONE, ONE, ONE, dtype)
    if r.candidates is Candidates.EDEN_16:
        grid, _ = grids(r.element_format)
        return _largest([by_block(source_of(x, one, r), grid, r).scale for x in blocks], r)
    return _largest([widened(source_of(x, one, r), r).amax for x in blocks], r)


def _largest(sizes: Sequence[Value], r: Recipe) -> Value:
    if any(isnan(v) for v in sizes):
        if r.nonfinite is not NonFinite.DROP_NAN:
            return nan
        sizes = [v for v in sizes if not isnan(v)]
    return max(sizes, default=0)


def source_of(x: Sequence[int], t: Tensor, r: Recipe) -> Source:
    """Return what the candidates of a block of float32 bit patterns start from. N4."""
    sizes = [from_bits(bits & 0x7FFFFFFF) for bits in x]
    negative = [bits >> 31 == 1 for bits in x]
    values = [-v if minus else v for v, minus in zip(sizes, negative, strict=True)]
    return Source(values, sizes, negative, _largest(sizes, r), t)


def quantize_block(
    x: Sequence[int],
    t: Tensor,
    r: Recipe,
    random: tuple[Sequence[int], Sequence[int]] | None = None,
    group: Sequence[Sequence[int]] = (),
) -> Block:
    """Quantize the 8, 16, 32 or 256 float32 bit patterns of a block under the tensor scales `t`. N4-N13.

    random: the random numbers of the first and the second candidate, where the recipe is stochastic
    group:  the bit patterns of all blocks that one correction is made of, where there are several

    Where E2M1 and INT4 compete, the scale byte's sign bit says INT4; that of a NaN byte FF says so too.
    """
    source = widened(source_of(x, t, r), r)
    base = block_scale(source.amax, t, r.element_max, r)
    if r.corrects:
        assert random is not None
        only = _corrected(replace(source, random=random[0]), base, group, r)
        return Block(
            source.amax, base, only, None, picked4=False, codes=only.codes, scale_code=only.scale_code
        )
    first, second = random or (None, None)
    map6, map4 = candidates(replace(source, random=first), base, r, second)
    picked4 = map6 is None or (map4 is not None and picks_4(map4.error, map6.error, r))
    kept = map4 if picked4 else map6
    assert kept is not None
    scale_code = kept.scale_code
    if r.candidates is Candidates.FLOAT_OR_INT:
        scale_code = (scale_code + picked4 * INT4_FLAG) & 0xFF
        kept = map4 if scale_code & INT4_FLAG else map6
        assert kept is not None
    return Block(source.amax, base, map6, map4, picked4, kept.codes, scale_code)


def candidates(
    source: Source, base: Value, r: Recipe, second_random: Sequence[int] | None = None
) -> tuple[Candidate | None, Candidate | None]:
    """Return (map6, map4): one of them None unless there is a choice. N6."""
    first, second = grids(r.element_format)
    match r.candidates:
        case Candidates.EDEN_16 | Candidates.EDEN_128:
            msg = f"recipe {r.name!r} corrects its scales"
            raise AssertionError(msg)
        case Candidates.FACTORS | Candidates.SCALES:
            every = (candidate(some, unrounded, first, r) for some, unrounded in starts(source, r))
            return first_least(((_error(c), c) for c in every), None), None
        case Candidates.SIX | Candidates.SEVEN | Candidates.LARGEST | Candidates.RANGES:
            return candidate(source, base, first, r), None
        case Candidates.FOUR:
            return None, candidate(source, base, second, r)
        case Candidates.FOUR_OVER_SIX:
            base4 = map4_scale(base, source.amax, source.tensor, r)
            expanded = replace(source, amax=mul(source.amax, EXPANSION), random=second_random)
            return candidate(source, base, first, r), candidate(expanded, base4, second, r)
        case Candidates.FLOAT_OR_INT:
            return candidate(source, base, first, r), candidate(source, base, second, r)
        case _:
            assert_never(r.candidates)


def _corrected(source: Source, base: Value, group: Sequence[Sequence[int]], r: Recipe) -> Candidate:
    """Return the candidate of a recipe that corrects its scales. N6h, N6i."""
    grid, _ = grids(r.element_format)
    if r.candidates is Candidates.EDEN_16:
        found = by_block(source, grid, r)
        unrounded = mul(found.scale, source.tensor.encode)
    else:
        found = nearest_block(source, base, grid, r)
        others = (source_of(x, source.tensor, r) for x in group)
        bases = ((s, block_scale(s.amax, s.tensor, r.element_max, r)) for s in others)
        unrounded = mul(found.scale, factor([nearest_block(s, b, grid, r) for s, b in bases]))
    code, scale = cast_scale(unrounded, r, _of_scale(source, r))
    return Candidate(
        grid,
        unrounded,
        code,
        scale,
        found.multiplier,
        found.negative,
        found.scaled,
        [c for c, _ in found.elements],
        [v for _, v in found.elements],
        differences=[],
        error=None,
    )


def _error(c: Candidate) -> Value:
    assert c.error is not None
    return c.error


def candidate(source: Source, base: Value, grid: Grid, r: Recipe) -> Candidate:
    """Quantize a block onto a grid under one unrounded block scale. N7-N12."""
    code, scale = cast_scale(base, r, _of_scale(source, r))
    multiplier, negative, scaled = scale_elements(source, scale, r)
    elements = cast_elements(negative, scaled, grid, r, (source.x, multiplier), source.random)
    codes, values = [c for c, _ in elements], [v for _, v in elements]
    d = differences(source, values, scale, grid, r)
    return Candidate(
        grid,
        base,
        code,
        scale,
        multiplier,
        negative,
        scaled,
        codes,
        values,
        differences=d,
        error=block_error(d, r, source.tensor.dtype) if d else None,
    )


def _of_scale(source: Source, r: Recipe) -> int | None:
    """Return the random number of a block scale, None where scales are rounded to nearest."""
    if r.rounds_elements or not r.stochastic:
        return None
    assert source.random is not None
    (number,) = source.random
    return number


def grid_of(scale_code: int, r: Recipe) -> Grid:
    """Return the grid of a stored block: the second of the recipe's two where the scale byte is flagged."""
    flagged = r.candidates is Candidates.FLOAT_OR_INT and scale_code & INT4_FLAG
    return grids(r.element_format)[1 if flagged else 0]


def dequantize_block(codes: Sequence[int], scale_code: int, t: Tensor, r: Recipe) -> list[Value]:
    """Return the values of a block's codes under their scale byte; equal codes are computed once. N14."""
    values = {code: dequantize_element(code, scale_code, t, r) for code in set(codes)}
    return [values[code] for code in codes]


def dequantize_element(code: int, scale_code: int, t: Tensor, r: Recipe) -> Value:
    """Return the value of one code by the recipe's expression, each operation rounded; no -0. N14."""
    grid = grid_of(scale_code, r)
    value = _dequantize(grid.value(code), scale_value(scale_code, r.scale_format), t, r)
    return mul(value, grid.unit)


def _dequantize(q: Value, s: Value, t: Tensor, r: Recipe) -> Value:
    match r.dequantize:
        case Dequantize.AMAX_DIVIDE:
            v = div(mul(mul(q, s), t.amax), t.range_max)
        case Dequantize.AMAX_RECIPROCAL:
            v = mul(q, mul(mul(s, t.amax), div(ONE, t.range_max)))
        case Dequantize.DECODE:
            v = mul(mul(q, s), t.decode)
        case Dequantize.DECODE_PRODUCT:
            v = mul(q, mul(s, t.decode))
        case Dequantize.DECODE_QUOTIENT:
            v = mul(q, div(s, t.encode))
        case Dequantize.AMAX_QUOTIENT:
            v = mul(q, mul(s, div(t.amax, t.range_max)))
        case Dequantize.ENCODE_DIVIDE:
            v = div(mul(q, s), t.encode)
        case _:
            assert_never(r.dequantize)
    return v
