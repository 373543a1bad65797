"""Weights whose blocks differ: which, how many, and what the checker says of the worst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fos_ref.errors import FosError
from fos_ref.inspect.compare import Pair
from fos_ref.inspect.contenders import Contender
from fos_ref.inspect.problems import Kind, Problem, some
from fos_ref.inspect.weight import WeightFound
from fos_ref.recipes.axes import TensorScale
from fos_ref.recipes.recipe import BLOCK

if TYPE_CHECKING:
    from fos_ref.check.diagnosis import Diagnosis

NONE_KNOWN = "no known mistake"
#: Flags that are a mistake in every dialect; of the others a dialect may be made that no preset has.
MISTAKES = (
    "BlockAmax",
    "E2m1Truncation",
    "NothingWritten",
    "RowPermutation",
    "ScaleCarry",
    "ScaleDecode",
    "ScaleOffset",
    "SignLost",
    "StridesIgnored",
    "Transposed",
    "UnroundedScale",
)
_CHECKED_VALUES = 1 << 17  #: of the worst weight, from the first rows that differ


def settled(
    found: Sequence[WeightFound], contenders: Sequence[Contender], leader: int | None, *, alone: bool
) -> None:
    """Count each weight's equal blocks under the file's dialect, or under another that gives all of them.

    alone: the dialect was asked for, so no other counts
    """
    for w in found:
        if w.compared is None or leader is None or not w.compared.equal:
            continue
        of_leader = w.compared.equal.get(leader, 0)
        first, most = w.compared.best
        exact = first is not None and most == w.blocks and not alone
        w.equal = most if exact else of_leader
        named = leader if of_leader == w.blocks else first if exact else None
        w.dialect = None if named is None else contenders[named].names[0]


def differing(found: Sequence[WeightFound], c: Contender) -> Problem | None:
    """Return the weights that are neither the dialect's nor another preset's; None where there is none."""
    bad = sorted((w for w in found if w.blocks and w.equal < w.blocks), key=lambda w: w.equal / w.blocks)
    if not bad:
        return None
    n, of = sum(w.blocks - w.equal for w in bad), sum(w.blocks for w in bad)
    names = tuple(w.held.name for w in bad)
    what = f"{some(names)}: {n:,} of {of:,} blocks are not those of {c.names[0]}"
    return Problem(Kind.BLOCKS_DIFFER, names, what)


def with_word(problem: Problem, word: str | None) -> Problem:
    """Return a problem with the checker's word on its worst weight."""
    return (
        problem
        if word is None
        else replace(problem, what=f"{problem.what}; {some(problem.weights[:1])}: {word}")
    )


def checkers_word(pair: Pair, w: WeightFound, c: Contender, leader: int) -> str | None:
    """Return what the checker says of the rows that differ; None where it says nothing."""
    from fos_ref.check.api import check  # noqa: PLC0415 -- it takes a tenth of a second to load

    rows = _window(w, leader)
    pair = replace(pair, reading=w.reading)
    scales, codes = np.ascontiguousarray(pair.linear_scales()[rows]), pair.codes(rows)
    own = w.compared is not None and w.compared.own_amax
    made, _ = pair.scales_of(c, own=own)
    amax = None if c.recipe.tensor_scale is TensorScale.NONE else np.float32(made.amax.reshape(-1)[0])
    try:
        found = check(pair.source.rows(rows), codes, scales, recipe=c.recipe, amax=amax)
    except FosError:
        return None
    return _said(found, rows)


def _window(w: WeightFound, leader: int) -> slice:
    first = w.compared.differ.get(leader, slice(0, 0)).start if w.compared is not None else 0
    rows, cols = w.held.shape
    size = max(BLOCK, _CHECKED_VALUES // cols // BLOCK * BLOCK)
    start = min(first, max(0, (rows - size) // BLOCK * BLOCK))
    return slice(start, min(rows, start + size))


def _said(found: Diagnosis, rows: slice) -> str | None:
    if found.equal:
        return None
    where = f" ({found.where} of rows {rows.start}..{rows.stop - 1})" if found.where else ""
    first = next(iter(found.causes), None)
    if first is None:
        return f"{NONE_KNOWN}{where}"
    return f"{first.flag}: {first.what}{where}"
