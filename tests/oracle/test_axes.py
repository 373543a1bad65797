"""The comparison tells every axis value from every other: a model that takes the wrong one is caught.

The model runs a recipe with one axis changed, the oracle the recipe itself; somewhere they have to part.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum
from itertools import permutations

import pytest

import fos_ref
from fos_ref.errors import RecipeError
from fos_ref.proof.oracle.agree import compare
from fos_ref.proof.oracle.inputs import arguments_for, Case, cases, taken
from fos_ref.recipes.axes import (
    AmaxScope,
    BlockScale,
    BlockShape,
    Candidates,
    Dequantize,
    ElementCast,
    ElementFormat,
    ElementNan,
    ElementRounding,
    ErrorDomain,
    ErrorMetric,
    NonFinite,
    RandomDraws,
    RandomFeed,
    Reciprocal,
    Reduction,
    ScaleFormat,
    ScaleRounding,
    ZeroScale,
    ZeroSign,
)
from fos_ref.recipes.corrections import RULES
from fos_ref.recipes.legal import REPLACE_DIVISOR, REPLACE_MULTIPLIER
from fos_ref.recipes.recipe import field_kind
from tests.oracle.test_presets import RECIPES

#: Random roundings are compared in test_stochastic.
RANDOM = (ElementRounding, RandomDraws, RandomFeed, ScaleRounding)
#: Other shapes and formats are other traces; dequantization is compared in test_exact; the door refuses or
#: lets through what is not finite; the hardware's reciprocals have no bits of their own here.
ELSEWHERE = (BlockShape, AmaxScope, Candidates, ElementFormat, Dequantize, NonFinite, Reciprocal, *RANDOM)
FIELDS = [
    f.name
    for f in dataclasses.fields(fos_ref.Recipe)
    if issubclass(field_kind(f.name), Enum) and field_kind(f.name) not in ELSEWHERE
]
#: They go with candidates of their own, which are another trace. That of corrected scales: test_stochastic.
BOUND = (ErrorDomain.UNSCALED, RULES[Candidates.EDEN_16].tensor_scale)


def apart(u: Enum, v: Enum) -> bool:
    """Return whether two values never stand in one recipe but for a change of another axis as well."""
    pair = {u, v}
    return bool(pair & {*BOUND}) or bool(pair & REPLACE_MULTIPLIER and pair & REPLACE_DIVISOR)


def neighbours(u: Enum, v: Enum) -> bool:
    """Return whether two values follow each other on their axis, the last one and the first too."""
    values = [m for m in type(u) if m not in BOUND]
    return abs(values.index(u) - values.index(v)) in (1, len(values) - 1)


#: In the default run each value stands for the right one, and for the wrong one, beside its neighbours.
PAIRS = [
    pytest.param(
        name,
        u,
        v,
        marks=() if neighbours(u, v) and ErrorMetric.POWER not in (u, v) else pytest.mark.exhaustive,
    )
    for name in FIELDS
    for u, v in permutations(field_kind(name), 2)
    if not apart(u, v)
]


#: What else has to change where one axis alone has no meaning.
COMPANIONS = (
    {},
    {"zero_sign": ZeroSign.NEVER},
    {"zero_scale": ZeroScale.NO_SPECIAL_CASE},
    {"element_nan": ElementNan.WRAPS},
    {"element_nan": ElementNan.CODE_7},
    {"element_cast": ElementCast.UNSATURATED},
    {"element_cast": ElementCast.SATURATE},
    {"reduction": None},
    {"reduction": Reduction.SEQUENTIAL},
    {"error_metric": ErrorMetric.MSE},
    {"scale_format": ScaleFormat.E8M0_FLOOR},
    {"scale_format": ScaleFormat.E8M0_UP},
    {"block_scale": BlockScale.AMAX},
    {"block_scale": BlockScale.DIVIDE_THEN_MULTIPLY},
    {"scale_max": 1},
    {"scale_max": 448},
)


def changed(r: fos_ref.Recipe, name: str, v: Enum) -> fos_ref.Recipe | None:
    """Return the recipe with one axis changed, and what that demands; None where it has no meaning."""
    for companion in COMPANIONS:
        if name not in companion:
            with suppress(RecipeError):
                return dataclasses.replace(r, **companion, **{name: v})
    return None


#: Those that let a NaN in come first: some values show with one only.
OPEN_FIRST = sorted(RECIPES, key=lambda r: r.nonfinite is NonFinite.RAISE)


def recipes_with(name: str, u: Enum) -> Iterator[fos_ref.Recipe]:
    """Yield the presets with a value, then presets changed to have it: some show beside others only."""
    yield from (r for r in OPEN_FIRST if getattr(r, name) is u)
    others = (changed(r, name, u) for r in OPEN_FIRST if getattr(r, name) not in (u, None))
    yield from (r for r in others if r is not None)


def parts(r: fos_ref.Recipe, other: fos_ref.Recipe, found: list[Case]) -> bool:
    """Return whether the oracle of r refuses what the model makes by `other`."""
    for case in max(taken(r, found), taken(other, found), key=len):  # 16-bit inputs if either rounds in them
        arguments = arguments_for(case, r)
        t = dataclasses.replace(fos_ref.trace(case.x, other, **arguments), recipe=r)
        try:
            compare(case.x, t, arguments, every=5)
        except AssertionError:
            return True
    return False


@pytest.fixture(scope="module")
def found() -> list[Case]:
    return cases()


@pytest.mark.sample(40)
@pytest.mark.parametrize(("name", "u", "v"), PAIRS, ids=lambda v: v if isinstance(v, str) else v.name)
def test_a_wrong_axis_value_is_caught(name, u, v, found):
    pairs = ((r, changed(r, name, v)) for r in recipes_with(name, u))
    assert any(parts(r, other, found) for r, other in pairs if other is not None)
