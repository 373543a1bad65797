"""The NumPy model against the exact oracle: every step of every preset, bit by bit."""

from __future__ import annotations

from math import ceil

import pytest

import fos_ref
from fos_ref.proof.oracle.agree import compare
from fos_ref.proof.oracle.inputs import arguments_for, Case, cases, taken

RECIPES = [r for name, r in fos_ref.PRESETS.items() if name == r.name]
EVERY = 6  #: of the blocks of a case, in the default run; presets share their steps


def disagreements(r: fos_ref.Recipe, found: list[Case], every: int = 1) -> int:
    count = 0
    for case in found:
        arguments = arguments_for(case, r)
        try:
            count += compare(case.x, fos_ref.trace(case.x, r, **arguments), arguments, every)
        except AssertionError as e:
            msg = f"{r.name}, {case.name}: {e}"
            raise AssertionError(msg) from None
    return count


def blocks_in(r: fos_ref.Recipe, case: Case) -> int:
    return case.x.size // (r.block_rows * r.block_cols)


@pytest.fixture(scope="module")
def few() -> list[Case]:
    return cases()


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: r.name)
def test_model_equals_oracle(recipe, few, record_property):
    found = taken(recipe, few)
    blocks = disagreements(recipe, found, EVERY)
    record_property("blocks", blocks)
    assert blocks == sum(ceil(blocks_in(recipe, c) / EVERY) for c in found)
