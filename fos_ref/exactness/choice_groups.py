"""The 4/6 presets, grouped by what decides the choice: one computation stands for all presets of a group."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from fos_ref.recipes.axes import Candidates, ElementCast, ErrorDomain, TensorScale
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import Recipe

Key: TypeAlias = tuple[Any, ...]

#: S = C/A, each with its own exceptions for amaxes that are not ordinary.
QUOTIENTS = (
    TensorScale.CLAMPED,
    TensorScale.CLAMPED_ZERO_IS_ONE,
    TensorScale.ZERO_SCALES,
    TensorScale.QUOTIENT_ZERO_IS_ONE,
)


@dataclass(frozen=True, slots=True)
class Group:
    """Presets that make the same choice on ordinary inputs; `recipe` is the first of them."""

    recipe: Recipe
    presets: tuple[str, ...]

    @property
    def name(self) -> str:
        """The first preset."""
        return self.presets[0]

    @property
    def trial(self) -> bool:
        """Whether the choice is made on codes that are not the stored ones (N10g)."""
        return self.recipe.error_domain is ErrorDomain.TRIAL


def candidates_key(r: Recipe) -> Key:
    """Return the axes that decide both candidates' scales and codes on finite inputs of an ordinary amax.

    Left out: what happens to NaN (scale_nan, element_nan, nonfinite), the sign of zero codes, dequantization,
    who computes reciprocals (modelled as exact), and, where codes saturate, the codes of a block whose scale
    is zero (zero_scale, reciprocal_overflow): they are worth zero, whatever they are.
    """
    wraps = r.element_cast is ElementCast.UNSATURATED
    return (
        *(r.element_format, r.scale_format, r.block_shape, r.amax_scope, r.candidates, r.scale_max),
        "C/A" if r.tensor_scale in QUOTIENTS else r.tensor_scale,
        *(r.block_scale, r.map4_scale, r.scale_floor, r.element_scaling, r.element_cast),
        (r.zero_scale, r.reciprocal_overflow) if wraps else None,
        r.error_domain is ErrorDomain.TRIAL,
    )


def choice_key(r: Recipe) -> Key:
    """Return the axes that decide between two candidates."""
    return r.error_domain, r.error_metric, r.reduction, r.tie


@cache
def families() -> tuple[tuple[Group, ...], ...]:
    """Return every 4/6 preset, in groups that choose alike, in families that have the same candidates."""
    found: dict[Key, dict[Key, list[Recipe]]] = {}
    for r in dict.fromkeys(PRESETS.values()):
        if r.candidates is Candidates.FOUR_OVER_SIX:
            found.setdefault(candidates_key(r), {}).setdefault(choice_key(r), []).append(r)
    return tuple(
        tuple(Group(rs[0], tuple(r.name for r in rs)) for rs in family.values()) for family in found.values()
    )


def groups() -> list[Group]:
    """Return all groups, family by family."""
    return [g for family in families() for g in family]
