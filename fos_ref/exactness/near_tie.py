"""Find near ties: blocks whose two errors are a few float32 steps apart, and judge them exactly.

There the last bits decide the choice. Two implementations of one recipe that add in another order may keep
different candidates, and neither is wrong. For each near tie the result says what float32 computed, what is
exactly true, and which orders of operations would keep the other candidate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fos_ref.arguments import whole
from fos_ref.engines.front import trace
from fos_ref.errors import InputError, RecipeError
from fos_ref.exactness.near_tie_block import NearTie, Order, Side
from fos_ref.formats.arrays import Bool
from fos_ref.formats.bits import f32_bits
from fos_ref.model.elements import ELEMENT_FORMAT
from fos_ref.model.trace import Trace
from fos_ref.oracle.errors import block_error, differences, picks_4
from fos_ref.oracle.exact import from_bits, ONE, PRECISIONS, to_bits, to_fraction
from fos_ref.oracle.exact_error import exact_candidate_error
from fos_ref.oracle.quantize import Block, Candidate, quantize_block, source_of
from fos_ref.oracle.scales import Source, Tensor
from fos_ref.recipes.axes import BlockShape, ErrorDomain, Reduction
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.catalog import recipe as get_recipe
from fos_ref.recipes.recipe import Recipe

#: Orders that are defined on 16 terms; a tile's rows are not added so by anyone.
_ROWS_ONLY = (Reduction.HALVES, Reduction.FUSED_EVEN_ODD)


def near_ties(
    x: Any,
    recipe: Recipe | str = "4over6",
    *,
    amax: Any = None,
    tensor_scale: float | None = None,
    ulps: int = 4,
    limit: int | None = None,
) -> list[NearTie]:
    """Return the blocks of x whose two errors are at most `ulps` float32 steps apart, the nearest first.

    ulps:     float32 steps between the errors
    limit:    how many to return at most; None: all
    Shapes:   x, amax and tensor_scale as for `quantize`
    Dtypes:   as for `quantize`
    Legal orders: every reduction that the metric allows, fused or not, in every error domain in which a
              preset of the same program measures.
    Specials: blocks with a NaN or infinite error, or whose candidates have the same values, are not listed.
    Raises:   InputError for a recipe that does not choose, for one whose error is not that of its codes
              (domain `trial`), and for ulps or a limit that is no whole number from 0 on; otherwise as
              `quantize`.
    """
    r = get_recipe(recipe)
    if not r.chooses or r.error_domain is ErrorDomain.TRIAL:
        msg = f"near_ties: recipe {r.name!r} does not choose by the errors of its own codes"
        raise InputError(msg)
    ulps = whole(ulps, "near_ties: ulps")
    limit = None if limit is None else whole(limit, "near_ties: limit")
    t = trace(x, r, amax=amax, tensor_scale=tensor_scale)
    return [_near_tie(t, place) for place in _places(t, ulps)[:limit]]


def legal_orders(r: Recipe) -> Iterator[Recipe]:
    """Yield r itself, then r with each other order of operations that its program and its metric allow."""
    yield r
    program = _program(r)
    domains = {p.error_domain for p in PRESETS.values() if _program(p) == program}
    for domain in (d for d in ErrorDomain if d in domains and d is not ErrorDomain.TRIAL):
        for reduction in (None, *Reduction):
            tiles = r.block_shape is BlockShape.TILE_16X16 and reduction in _ROWS_ONLY
            if tiles or (domain, reduction) == (r.error_domain, r.reduction):
                continue
            try:
                yield replace(r, error_domain=domain, reduction=reduction)
            except RecipeError:
                continue  # absmax has no order, fused sums are squares


def _program(r: Recipe) -> str:
    """Return the repository that a recipe's source names."""
    return r.source.partition("@")[0] if "@" in r.source else ""


def _places(t: Trace, ulps: int) -> list[tuple[int, int]]:
    """Return the blocks to judge, the nearest errors first, then in order."""
    assert t.map6 is not None
    assert t.map4 is not None
    assert t.map6.error is not None
    assert t.map4.error is not None
    err4, err6 = t.map4.error, t.map6.error
    apart = np.abs(f32_bits(err4).astype(np.int64) - f32_bits(err6).astype(np.int64))
    near: Bool = np.isfinite(err4) & np.isfinite(err6) & (apart <= ulps) & _differ(t)
    rows, cols = np.nonzero(near)
    order = np.argsort(apart[near], kind="stable")
    return [(int(i), int(j)) for i, j in zip(rows[order], cols[order], strict=True)]


def _differ(t: Trace) -> Bool:
    """Return where the candidates are worth different values: elsewhere there is nothing to choose."""
    assert t.map6 is not None
    assert t.map4 is not None
    pairs = zip((t.map6, t.map4), ELEMENT_FORMAT[t.recipe.element_format], strict=True)
    six, four = (c.values.astype(np.float64) * c.scale[..., None] * np.float64(g.unit) for c, g in pairs)
    different: Bool = (six != four).any(axis=-1)
    return different


def _near_tie(t: Trace, place: tuple[int, int]) -> NearTie:
    """Judge one block by the oracle, from the bits of its values and of its tensor scales."""
    r, row = t.recipe, place[0] if t.scales.amax.ndim else 0
    bits = f32_bits(t.x[place]).tolist()
    a, s, d = (
        from_bits(int(f32_bits(v).ravel()[row])) for v in (t.scales.amax, t.scales.encode, t.scales.decode)
    )
    tensor = Tensor(a, s, d, r.range_max * ONE, PRECISIONS[t.scales.dtype.name])
    block = quantize_block(bits, tensor, r)
    assert block.map6 is not None
    assert block.map4 is not None
    return NearTie(
        recipe=r,
        place=place,
        x=tuple(bits),
        block_amax=float(t.block_amax[place]),
        tensor_amax=float(t.scales.amax.ravel()[row]),
        map6=_side(block.map6, bits, tensor, r),
        map4=_side(block.map4, bits, tensor, r),
        picked4=block.picked4,
        orders=tuple(_order(block, source_of(bits, tensor, r), v) for v in legal_orders(r)),
    )


def _side(c: Candidate, bits: Sequence[int], tensor: Tensor, r: Recipe) -> Side:
    assert c.error is not None
    return Side(
        scale_code=c.scale_code,
        scale=float(to_fraction(c.scale)),
        codes=tuple(c.codes),
        error=float(to_fraction(c.error)),
        bits=to_bits(c.error),
        exact=exact_candidate_error(c, bits, tensor, r),
    )


def _order(block: Block, source: Source, v: Recipe) -> Order:
    """Return what the order of operations of v makes of the candidates of a block."""
    err4, err6 = (
        block_error(differences(source, c.values, c.scale, c.grid, v), v)
        for c in (block.map4, block.map6)
        if c is not None
    )
    assert v.error_domain is not None
    return Order(v.error_domain, v.reduction, to_bits(err4), to_bits(err6), picks_4(err4, err6, v))
