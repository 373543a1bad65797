"""Exact midpoints: rules of ties come before whatever shifts a value by an ulp.

A product in another order is one ulp off and moves every exact midpoint one way, so it imitates rules of ties
wherever all evidence is exact ties. Where such rules explain every block, they are the answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from fos_ref.check.bench import Hypothesis, reproduced
from fos_ref.check.explanation import Explanation
from fos_ref.check.flaws.flaw import Flaw, steps_with
from fos_ref.recipes.recipe import Recipe

#: Flags whose mistakes may differ from the recipe by the last bit of one product.
OF_ONE_ULP = ("ReciprocalForDivision", "ScaleAssociation", "TensorScaleInverted", "TensorScale")
#: Flags of rules for exact midpoints; of the two of scales only the flaws that move midpoints alone.
_RULES = ("E2m1TiesAway", "E2m1TiesZero", "ScaleCeil", "ScaleFloor", "TieRule")
_MOST = 3  #: rules at once
_SAMPLE = 512  #: blocks on which combinations are tried first


def ties_first(e: Explanation, r: Recipe, flaws: Sequence[Flaw]) -> Explanation:
    """Return rules of ties in place of mistakes of one ulp, where they explain every block too."""
    h = e.hypothesis
    kept = tuple(f for f in h.flaws if f.flag not in OF_ONE_ULP)
    if len(kept) == len(h.flaws):
        return e
    case = h.case
    differing = np.flatnonzero(~reproduced(Hypothesis(case, kept), r, np.arange(case.source.size)))
    some = differing[:: max(1, len(differing) // _SAMPLE)]
    for rules in _combinations(flaws):
        found = Hypothesis(case, (*kept, *rules))
        if steps_with(r, found.flaws) is None or not reproduced(found, r, some).all():
            continue
        right = reproduced(found, r, np.arange(case.source.size))
        if right.all():
            return Explanation(found, right, rivals=(h, *e.rivals))
    return e


def _combinations(flaws: Sequence[Flaw]) -> Iterator[tuple[Flaw, ...]]:
    """Yield rules of ties, one, two or three of different flags."""
    rules = [f for f in flaws if f.flag in _RULES and f.ties]
    for many in range(1, _MOST + 1):
        for chosen in combinations(rules, many):
            if len({f.flag for f in chosen}) == many:
                yield chosen
