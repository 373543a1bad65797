"""The NumPy model against the exact oracle: every step of every preset, bit by bit."""

from __future__ import annotations

import pytest

import fos_ref
from fos_ref.recipes.axes import AmaxScope, NonFinite
from tests.oracle.agree import compare
from tests.oracle.inputs import Case, cases

RECIPES = [r for name, r in fos_ref.PRESETS.items() if name == r.name]


def arguments_for(case: Case, r: fos_ref.Recipe) -> dict:
    """Row-scaled recipes take an amax per row and no tensor scale."""
    if r.amax_scope is not AmaxScope.ROW:
        return case.arguments
    amax = case.arguments.get("amax")
    return {} if amax is None else {"amax": amax.repeat(case.x.shape[0])}


def disagreements(r: fos_ref.Recipe, found: list[Case]) -> int:
    count = 0
    for case in found:
        if case.finite or r.nonfinite is NonFinite.PROPAGATE:
            arguments = arguments_for(case, r)
            try:
                count += compare(case.x, fos_ref.trace(case.x, r, **arguments), arguments)
            except AssertionError as e:
                msg = f"{r.name}, {case.name}: {e}"
                raise AssertionError(msg) from None
    return count


@pytest.fixture(scope="module")
def few() -> list[Case]:
    return cases()


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: r.name)
def test_model_equals_oracle(recipe, few, record_property):
    blocks = disagreements(recipe, few)
    record_property("blocks", blocks)
    assert blocks >= 30 * len([c for c in few if c.finite]) // recipe.block_rows


@pytest.mark.exhaustive
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: r.name)
def test_model_equals_oracle_on_many_blocks(recipe, record_property):
    record_property("blocks", disagreements(recipe, cases(rounds=25)))
