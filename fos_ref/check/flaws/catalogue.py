"""Every flaw that the checker knows under a recipe: one numeric mistake each, in the order of the walk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from fos_ref.check.flags import FLAGS
from fos_ref.check.flaws import (
    amax,
    block_amax,
    choice,
    codes,
    decoded,
    elements,
    flush,
    other,
    scales,
    stored,
)
from fos_ref.check.flaws.flaw import Flaw
from fos_ref.recipes.axes import ElementCast, ElementNan
from fos_ref.recipes.recipe import Recipe

#: Mistakes under which values may exceed the largest code.
_OF_SCALES = ("ScaleFloor", "ScaleCarry", "ScaleOffset", "ScaleDecode", "BlockAmax", "UnroundedScale")
#: Named by the layout alone: see layouts.py.
LAYOUT_FLAGS = (
    "NibbleOrder",
    "ScaleLayout",
    "ScaleTransposed",
    "Transposed",
    "RowPermutation",
    "StridesIgnored",
)
_PARTS = (amax, block_amax, scales, stored, decoded, elements, codes, choice, flush, other)


@cache
def catalogue(r: Recipe, offsets: tuple[int, ...] = ()) -> tuple[Flaw, ...]:
    """Return the flaws that can be made under r; `offsets` are constants that scale bytes may be off by."""
    found = [f for part in _PARTS for f in part.flaws(r) if f.suits(r)]
    words = {f.what for f in found}
    found += [f for by in offsets for f in stored.offset(r, by) if f.what not in words]
    found += list(_saturating(found, r))
    assert {f.flag for f in found} <= set(FLAGS) - {"NearTie"} - set(LAYOUT_FLAGS)
    return tuple(found)


def _saturating(found: list[Flaw], r: Recipe) -> Iterator[Flaw]:
    """Yield mistakes of the block scale in a kernel that clamps, where the recipe does not and need not.

    Under the recipe's own scale no value exceeds the largest code, so that clamping is no mistake of its own.
    """
    if r.element_cast is not ElementCast.UNSATURATED:
        return
    clamps = {"element_cast": ElementCast.SATURATE, "element_nan": ElementNan.CODE_7}
    for f in found:
        if f.flag in _OF_SCALES and not set(clamps) & set(f.axes):
            yield replace(f, what=f"{f.what}; magnitudes above 6 are clamped", axes={**f.axes, **clamps})
