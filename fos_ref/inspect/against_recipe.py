"""A quantized file held against a recipe without its original: bytes that the recipe cannot have made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fos_ref.inspect.contenders import storable
from fos_ref.inspect.problems import joined, Kind, Problem
from fos_ref.inspect.weight import WeightFound
from fos_ref.recipes.axes import BlockShape, Candidates
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.held import BlockFormat

_TELLING = 64  #: blocks of which a rule that chooses takes 4 on some
_ROOM = 1e-3  #: share of blocks at neither 4 nor 6 that clamps and flushed scales account for


def cannot_be(weights: Sequence[WeightFound], r: Recipe) -> list[Problem]:
    """Return the weights whose bytes a recipe cannot have made, and why."""
    return joined(
        (Kind.BLOCKS_DIFFER, w.held.name, f"not {r.name}: {why}") for w in weights for why in _why(w, r)
    )


def _why(w: WeightFound, r: Recipe) -> Iterator[str]:
    """Return each reason why a weight is not the recipe's."""
    if not storable(r, w.held.format):
        yield f"it holds {w.held.format.value} blocks, which the recipe does not make"
        return
    facts = w.facts
    if w.held.format is BlockFormat.MXFP4:
        passed = facts.largest[7]
        if r.candidates is Candidates.FOUR and passed:
            yield f"the largest code is 6 in {passed:,} blocks, and the recipe scales to 4"
        return
    if facts.product > r.range_max:
        yield f"a code times its block scale is {facts.product:g}, more than the recipe's {r.range_max:g}"
    at_4, at_6, neither = facts.rule.at_4, facts.rule.at_6, facts.rule.neither
    seen = f"{at_4:,} blocks reach 4, {at_6:,} reach 6, {neither:,} neither"
    total = at_4 + at_6 + neither
    wrong = {Candidates.SIX: at_4 + neither, Candidates.FOUR: at_6 + neither}.get(r.candidates, neither)
    if wrong > _ROOM * total:
        yield f"{seen}: its rule is {r.candidates.value}"
    elif (
        r.candidates is Candidates.FOUR_OVER_SIX
        and r.block_shape is BlockShape.ROW_16
        and not at_4
        and total >= _TELLING
    ):
        yield f"{seen}: a rule that chooses takes 4 on some of so many"
    if r.block_shape is BlockShape.TILE_16X16 and not facts.tiled:
        yield "scale bytes differ within tiles of 16 rows, and the recipe has one for each"
