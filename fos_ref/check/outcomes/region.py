"""Blocks that follow another tensor scale than the rest: a shard's, an expert's, a fused sibling's."""

from __future__ import annotations

import numpy as np

from fos_ref.check.bench import Case, Hypothesis, reproduced
from fos_ref.check.evidence.suspects import Suspects, suspects
from fos_ref.check.explanation import Explanation
from fos_ref.check.outcomes.followed import FLAG, follows_another_scale
from fos_ref.check.outcomes.outcome import Outcome
from fos_ref.formats.arrays import AnyArray, Bool
from fos_ref.recipes.recipe import Recipe

_LEAST = 8  #: blocks that differ
_MOST = 0.95  #: of all blocks: the rest is as the recipe has it
_ALL_BUT = 0.05  #: of the blocks that differ, which need not follow it


def scale_of_a_region(c: Case, r: Recipe, x: AnyArray, *, exactly: bool) -> Explanation | None:
    """Return the blocks that differ, where one other tensor scale gives them; None where none does.

    The scale is solved from these blocks alone. The others are right, so that no mistake of the whole tensor
    explains them.

    exactly: whether nearly all of the blocks have to come out as they were given
    """
    count = int(np.count_nonzero(c.differing))
    if not _LEAST <= count <= _MOST * c.source.size:
        return None
    alone = c.without(~c.differing)
    told = suspects(alone, r, x)
    if not told.other:
        return None
    if exactly:
        return _reproduced(c, r, told)
    nearly = follows_another_scale(alone, r, told)
    return None if nearly is None else Explanation(Hypothesis(c), ~c.differing, judged=nearly.judged)


def _reproduced(c: Case, r: Recipe, told: Suspects) -> Explanation | None:
    index = np.flatnonzero(c.differing)
    for flaw in told.flaws:
        right = reproduced(Hypothesis(c, (flaw,)), r, index)
        if right.mean() >= 1 - _ALL_BUT:
            blocks: Bool = np.zeros(c.source.size, dtype=np.bool_)
            blocks[index[right]] = True
            outcome = Outcome(FLAG, f"{flaw.what}, in these blocks and no others", blocks)
            return Explanation(Hypothesis(c), ~c.differing, judged=outcome)
    return None
