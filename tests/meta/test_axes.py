"""Every axis value is carried out in one place, and something uses it."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from enum import Enum

import pytest

import fos_ref
from fos_ref.recipes import axes
from fos_ref.recipes.axes import (
    AmaxScope,
    BlockShape,
    Candidates,
    ElementCast,
    ElementRounding,
    ErrorDomain,
    NonFinite,
    RandomDraws,
    RandomFeed,
    RangeFactor,
    Reciprocal,
    Reduction,
    ScaleRounding,
)
from fos_ref.recipes.recipe import field_kind
from tests.every import every
from tests.meta.tree import files, module

AXES = [v for v in vars(axes).values() if isinstance(v, type) and issubclass(v, Enum) and v is not Enum]
MEMBERS = [m for axis in AXES for m in axis]
#: Values that no implementation has, kept to show that the comparison would see them.
CONTROLS = {
    Reduction.HALVES,
    ElementRounding.SR_B,  # rules B and C, and the feeds of cvt.rs to other formats
    ElementRounding.SR_C,
    RandomFeed.HALF,
    RandomFeed.HALF_REVERSED,
}
#: Axes that shape the walk itself: a branch of quantize or of the door, not a step function.
WALKS = (BlockShape, AmaxScope, Candidates, NonFinite, RandomDraws)
#: Axes that name what the hardware decides: the model takes the exact value. And a number, and the feeds,
#: whose tables stand in fos_ref/recipes and fos_ref/random.
NAMED_ONLY = (Reciprocal, RangeFactor, RandomFeed)
#: Values that a branch of quantize carries out, because they need more than an element and its scales.
BRANCHES = {ErrorDomain.TRIAL, ErrorDomain.UNSCALED, ElementCast.NEAREST_PRODUCT}
BRANCHES |= {ElementRounding.NEAREST, ScaleRounding.NEAREST}


def tables() -> list[tuple[str, Mapping]]:
    """Return every mapping in the model whose keys are members of one axis."""
    found = []
    for path in files("fos_ref/model"):
        for name, value in vars(importlib.import_module(module(path))).items():
            keys = list(value) if isinstance(value, Mapping) and value else []
            if keys and type(keys[0]) in AXES and all(isinstance(k, type(keys[0])) for k in keys):
                found.append((name, value))
    return found


UNIQUE = {id(table): (name, table) for name, table in tables()}


@pytest.mark.parametrize(
    "axis", [a for a in AXES if a not in (*WALKS, *NAMED_ONLY)], ids=lambda a: a.__name__
)
def test_each_value_of_an_axis_stands_in_one_table(axis):
    keys = [key for _, table in UNIQUE.values() if isinstance(next(iter(table)), axis) for key in table]
    keys += [m for m in axis if m in BRANCHES]
    assert sorted(m.name for m in keys) == sorted(m.name for m in axis)


def test_a_table_cannot_be_changed():
    assert len(UNIQUE) >= 10
    for name, table in UNIQUE.values():
        with pytest.raises(TypeError):
            table[next(iter(table))] = None
        assert name.isupper()


@every(MEMBERS)
def test_a_preset_uses_every_value(member):
    recipes = {**fos_ref.PRESETS, **fos_ref.STOCHASTIC}.values()
    used = any(member in r.every_axis().values() for r in recipes)
    assert used != (member in CONTROLS)


def test_every_axis_is_a_field_of_the_recipe():
    kinds = {field_kind(f.name) for f in dataclasses.fields(fos_ref.Recipe)}
    assert set(AXES) == {k for k in kinds if issubclass(k, Enum)}


@pytest.mark.parametrize("axis", AXES, ids=lambda a: a.__name__)
def test_an_axis_says_what_it_decides(axis):
    assert axis.__doc__
    assert "(N" in axis.__doc__
    values = [m.value for m in axis]
    assert len(set(values)) == len(values)
