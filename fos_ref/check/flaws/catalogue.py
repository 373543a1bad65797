"""Every flaw that the checker knows under a recipe: one numeric mistake each, in the order of the walk."""

from __future__ import annotations

from functools import cache

from fos_ref.check.flags import FLAGS
from fos_ref.check.flaws import amax, choice, elements, flush, other, scales
from fos_ref.check.flaws.flaw import Flaw
from fos_ref.recipes.recipe import Recipe

#: Named by the layout alone: see layouts.py.
LAYOUT_FLAGS = ("NibbleOrder", "ScaleLayout", "ScaleTransposed", "Transposed")
_PARTS = (amax, scales, elements, choice, flush, other)


@cache
def catalogue(r: Recipe) -> tuple[Flaw, ...]:
    """Return the flaws that can be made under r."""
    found = [f for part in _PARTS for f in part.flaws(r) if f.suits(r)]
    assert {f.flag for f in found} <= set(FLAGS) - {"NearTie"} - set(LAYOUT_FLAGS)
    return tuple(found)
