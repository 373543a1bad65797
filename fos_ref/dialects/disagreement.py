"""Count the blocks on which two recipes give different bytes, and how many each axis explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from fos_ref.engines.front import quantize
from fos_ref.engines.inputs import as_numpy
from fos_ref.errors import InputError, RecipeError
from fos_ref.formats.arrays import AnyArray, Bool
from fos_ref.recipes.catalog import recipe as get_recipe
from fos_ref.recipes.dialect import AXES
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.tensor import QuantizedTensor


@dataclass(frozen=True, slots=True)
class AxisShare:
    """What one axis explains. The first recipe is run with only this axis taken from the second."""

    axes: tuple[str, ...]  #: one, or those that the legality table lets change only together
    changed: int  #: blocks that this change alone alters
    explained: int  #: differing blocks that it alone turns into the second recipe's bits


@dataclass(frozen=True, slots=True)
class Disagreement:
    """How two recipes differ on one tensor, counted in blocks of a row."""

    blocks: int
    differing: int  #: any byte differs
    choice: int  #: the other candidate was kept
    block_scale: int  #: the scale byte differs
    codes: int  #: some code differs
    codes_only: int  #: the codes differ under the same scale byte
    axes: tuple[AxisShare, ...]


def disagreement(x: Any, a: Recipe | str, b: Recipe | str, *, explain: bool = True) -> Disagreement:
    """Quantize x by both recipes and count the blocks that differ; with `explain`, also for each axis.

    Shapes:   x (R, C) as `quantize` takes it for both recipes. Each row of a 16x16 tile is a block
    Dtypes:   as for `quantize`
    Rounding: none of its own; bytes are compared.
    Raises:   InputError if blocks or codes of one are wider than the other's; otherwise as `quantize`.
    """
    a, b, x = get_recipe(a), get_recipe(b), as_numpy(x)
    if not a.laid_out_as(b):
        msg = f"{_layout(a)}, {_layout(b)}: equal is allowed"
        raise InputError(msg)
    qa, qb = quantize(x, a), quantize(x, b)
    scale, codes = _scales_differ(qa, qb), _codes_differ(qa, qb)
    differs = scale | codes
    return Disagreement(
        blocks=int(differs.size),
        differing=int(differs.sum()),
        choice=int(np.count_nonzero(_picked(qa) != _picked(qb))),
        block_scale=int(scale.sum()),
        codes=int(codes.sum()),
        codes_only=int((codes & ~scale).sum()),
        axes=_shares(x, qa, qb, differs) if explain else (),
    )


def _layout(r: Recipe) -> str:
    return f"{r.name} has blocks of {r.block_cols} values of {r.element.width} bits"


def _shares(x: AnyArray, qa: QuantizedTensor, qb: QuantizedTensor, differs: Bool) -> tuple[AxisShare, ...]:
    """Return one share per axis, or per set of axes that only make sense together, the largest first."""
    a, b = qa.recipe, qb.recipe
    groups = {frozenset((axis, *partners(a, b, axis))): None for axis in a.diff(b)}
    order = list(a.every_axis())
    shares = [_share(x, qa, qb, differs, sorted(g, key=order.index)) for g in groups]
    return tuple(sorted(shares, key=lambda s: (-s.explained, -s.changed)))


def _share(
    x: AnyArray, qa: QuantizedTensor, qb: QuantizedTensor, differs: Bool, axes: list[str]
) -> AxisShare:
    """Return what `axes`, taken from the second recipe, explain."""
    q = quantize(x, taking(qa.recipe, qb.recipe, axes))
    changed = _scales_differ(qa, q) | _codes_differ(qa, q)
    remaining = _scales_differ(qb, q) | _codes_differ(qb, q)
    return AxisShare(
        axes=tuple(axes), changed=int(changed.sum()), explained=int((differs & ~remaining).sum())
    )


def taking(a: Recipe, b: Recipe, axes: Sequence[str]) -> Recipe:
    """Return `a` with some axes of `b`."""
    return replace(a, name=f"{a.name}+{'+'.join(axes)}", **{axis: getattr(b, axis) for axis in axes})


def partners(a: Recipe, b: Recipe, axis: str) -> tuple[str, ...]:
    """Return the fewest other differing axes that make `a` with `axis` from `b` a legal recipe.

    Found greedily: add the axis whose absence the legality table complains about least.
    """
    mine, theirs = a.every_axis(), b.every_axis()

    def legal(axes: Sequence[str]) -> bool:
        return _is_legal(tuple([theirs[k] if k in axes else v for k, v in mine.items()]))

    others = [k for k in a.diff(b) if k != axis]
    if legal((axis,)):
        return ()
    for other in others:
        if legal((axis, other)):
            return (other,)
    kept = list(others)
    for other in others:
        without = [k for k in kept if k != other]
        if legal((axis, *without)):
            kept = without
    return tuple(kept)


@cache
def _is_legal(values: tuple[Any, ...]) -> bool:
    """Return whether values of all axes make a recipe. Remembered: a search asks for few of them often."""
    try:
        Recipe(name="tried", **dict(zip(AXES, values, strict=True)))
    except RecipeError:
        return False
    return True


def _scales_differ(a: QuantizedTensor, b: QuantizedTensor) -> Bool:
    different: Bool = a.block_scales != b.block_scales
    return different


def _codes_differ(a: QuantizedTensor, b: QuantizedTensor) -> Bool:
    per_byte = (a.codes != b.codes).reshape(*a.block_scales.shape, a.recipe.block_bytes)
    different: Bool = per_byte.any(axis=-1)
    return different


def _picked(q: QuantizedTensor) -> Any:
    assert q.picked4 is not None
    return q.picked4
