"""For each axis and each pair of its values: an input on which two recipes that differ only there disagree.

An axis without such a vector would be vacuous or untested. The search is deterministic: the same code finds
the same vectors, so the committed file can be reproduced.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from itertools import combinations, groupby
from typing import Any, TypeAlias

from fos_ref.dialects.disagreement import partners, taking
from fos_ref.errors import RecipeError
from fos_ref.recipes.axes import ElementFormat
from fos_ref.recipes.catalog import PRESETS, STOCHASTIC
from fos_ref.recipes.recipe import BLOCK, field_kind, Recipe, SCALE_BOUNDS
from fos_ref.vectors.distinguishing.outcomes import Input, Outcomes
from fos_ref.vectors.editions import edition_of, LATER

#: Pairs that no input can tell apart, and why.
INDISTINGUISHABLE = {
    ("reciprocal", "exact", "approximate"): "the hardware decides; the model computes both as exact",
}
#: The recipes that are varied, the simplest first: between them they have every value of every axis.
BASES = (
    "nvfp4",
    "4over6",
    "4over6-mae",
    "4over6-absmax",
    "te-mse-256",
    "te-mse-256-fast",
    "te-nvfp4",
    "flashinfer-mse-256",
    "fouroversix-mse",
    "fouroversix-static4",
    "modelopt-4over6",
    "compressed-tensors-nvfp4",
    "torchao-nvfp4",
    "quartet2-4over6",
    "quartet2-triton-4over6",
    "fouroversix-nvint4",
    "fouroversix-if4-mse",
    "fouroversix-mxfp4-static6",
)

#: Axis, value, another value.
Pair: TypeAlias = tuple[str, Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """Two recipes that differ on `axis`, and elsewhere only where they must, and an input that shows it."""

    axis: str
    values: tuple[str, str]
    base: Recipe
    first: Recipe
    second: Recipe
    input: Input


@dataclass(frozen=True, slots=True)
class _Pair:
    base: Recipe
    first: Recipe
    second: Recipe

    @property
    def rank(self) -> tuple[int, bool]:
        """Axes that differ between the two; ordinary E2M1 in blocks of 16 before other formats."""
        ordinary = self.base.element_format is ElementFormat.E2M1 and self.base.block_cols == BLOCK
        return len(self.first.diff(self.second)), not ordinary

    @property
    def changes(self) -> int:
        """Axes changed from the base."""
        return sum(len(self.base.diff(r)) for r in (self.first, self.second))


def edition(pair: Pair) -> int:
    """Return the edition of a pair's younger value: 1 for the vectors that were published first."""
    return max(map(edition_of, pair[1:]))


def axis_pairs() -> Iterator[Pair]:
    """Yield (axis, value, other value) for every axis and every pair of its values.

    Values that stochastic presets alone have are left out: their vectors need random bits (v1/training.json).
    """
    for axis in PRESETS["nvfp4"].axes():
        kind = field_kind(axis)
        values: list[Any] = list(kind) if issubclass(kind, Enum) else list(SCALE_BOUNDS)
        for u, v in combinations([v for v in values if not _is_stochastic(axis, v)], 2):
            yield axis, u, v


def _is_stochastic(axis: str, value: Any) -> bool:
    """Return whether stochastic presets have a value of an axis, and no other preset has it."""
    drawn, plain = (any(getattr(r, axis) == value for r in known.values()) for known in (STOCHASTIC, PRESETS))
    return drawn and not plain


def plain_name(value: Any) -> str:
    """Return an axis value as it is called in JSON and in the docs."""
    return str(value.value if isinstance(value, Enum) else value)


def find(axis: str, u: Any, v: Any, seen: Outcomes) -> Vector | None:
    """Return the first vector of the search for a pair of values; None where there is none.

    Recipes that differ in fewer axes come first, then cheap inputs before dear ones. `seen` remembers what
    each recipe made of each input, for the next pair.
    """
    if (axis, plain_name(u), plain_name(v)) in INDISTINGUISHABLE:
        return None
    names: tuple[str, ...] = ()
    for more in (BASES, *(e.varied for e in LATER)):  # what is published stays: younger presets come last
        names += more
        found = _among(names, axis, u, v, seen)
        if found is not None:
            return found
    return None


def _among(names: tuple[str, ...], axis: str, u: Any, v: Any, seen: Outcomes) -> Vector | None:
    """Return the first vector of the search where the presets called `names` are varied."""
    pairs = sorted(_recipe_pairs(names, axis, u, v), key=lambda p: (p.rank, p.changes))
    for _, group in groupby(pairs, key=lambda p: p.rank):
        alike = list(group)
        for stage in seen.stages(values=axis == "dequantize"):
            for p in alike:
                given = stage(p.first, p.second)
                if given is not None:
                    return Vector(
                        axis=axis,
                        values=(plain_name(u), plain_name(v)),
                        base=p.base,
                        first=p.first,
                        second=p.second,
                        input=given,
                    )
    return None


def _recipe_pairs(names: tuple[str, ...], axis: str, u: Any, v: Any) -> list[_Pair]:
    """Return a pair of recipes with `u` and with `v` on `axis` for each base that allows it.

    A further axis differs only where the legality table demands it (absmax has no summation order).
    """
    found = []
    for base in (PRESETS[name] for name in names):
        first, second = _with(base, axis, u, names), _with(base, axis, v, names)
        options = [
            _Pair(base, a, b)
            for a, b in (
                (first, second),
                (first, first and _with(first, axis, v, names)),
                (second and _with(second, axis, u, names), second),
            )
            if a is not None and b is not None
        ]
        if options:
            found.append(min(options, key=lambda p: (p.rank, p.changes)))
    return found


def _with(base: Recipe, axis: str, value: Any, names: tuple[str, ...]) -> Recipe | None:
    """Return `base` with `value` on `axis`, and with what must follow, taken from a preset that has it."""
    if getattr(base, axis) == value:
        return base
    name = f"{base.name}+{axis}"
    try:
        return replace(base, name=name, **{axis: value})
    except RecipeError:
        donors = [PRESETS[n] for n in names if getattr(PRESETS[n], axis) == value]
        options = {(axis, *partners(base, d, axis)): d for d in donors}
        if not options:
            return None
        axes = min(options, key=len)
        return replace(taking(base, options[axes], axes), name=name)
