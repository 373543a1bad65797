"""The NumPy model against the exact oracle: every step of every preset, bit by bit."""

from __future__ import annotations

import pytest

import fos_ref
from fos_ref.proof.oracle.agree import compare
from fos_ref.proof.oracle.inputs import arguments_for, Case, cases, taken
from fos_ref.proof.oracle.plan import family
from fos_ref.recipes.searches import Tried

RECIPES = [r for name, r in fos_ref.PRESETS.items() if name == r.name]
#: Of the blocks of a case, in the default run. Presets share their steps, and each begins at another block:
#: together they see all. An odd number meets both blocks of a row.
EVERY = 31


def kind(r: fos_ref.Recipe) -> tuple[object, ...]:
    """Return what presets of a kind share: the program's family, the formats, the block, the candidates."""
    return (family(r.name), r.element_format, r.scale_format, r.block_shape, r.amax_scope, r.candidates)


#: One preset of each kind.
KINDS = list({kind(r): r for r in reversed(RECIPES)}.values())


def disagreements(r: fos_ref.Recipe, found: list[Case]) -> int:
    count = 0
    for case in found:
        arguments = arguments_for(case, r)
        try:
            t = fos_ref.trace(case.x, r, **arguments)
            count += compare(case.x, t, arguments, EVERY, start(r, case))
        except AssertionError as e:
            msg = f"{r.name}, {case.name}: {e}"
            raise AssertionError(msg) from None
    return count


def blocks_in(r: fos_ref.Recipe, case: Case) -> int:
    return case.x.size // (r.block_rows * r.block_cols)


def start(r: fos_ref.Recipe, case: Case) -> int:
    return RECIPES.index(r) % min(EVERY, blocks_in(r, case))


def affordable(r: fos_ref.Recipe, found: list[Case]) -> list[Case]:
    """Return the cases of the default run: of a search few, of one for ranges those with an amax given."""
    if r.search is None:
        return found
    ranges = r.search.tried is Tried.RANGE
    return [c for c in found if c.arguments or not ranges][:: 9 if ranges else 3]


@pytest.fixture(scope="module")
def few() -> list[Case]:
    return cases()


def test_every_value_of_a_format_is_of_some_kind():
    for axis in ("element_format", "scale_format", "block_shape"):
        assert {getattr(r, axis) for r in KINDS} == {getattr(r, axis) for r in RECIPES}
    assert 60 < len(KINDS) < len(RECIPES)


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "recipe",
    [pytest.param(r, marks=() if r in KINDS else pytest.mark.exhaustive) for r in RECIPES],
    ids=lambda r: r.name,
)
def test_model_equals_oracle(recipe, few, record_property):
    found = affordable(recipe, taken(recipe, few))
    blocks = disagreements(recipe, found)
    record_property("blocks", blocks)
    assert blocks == sum(len(range(start(recipe, c), blocks_in(recipe, c), EVERY)) for c in found)


def test_every_block_of_a_case_is_seen_by_some_preset(few):
    for height in (1, 16):
        recipes = [r for r in RECIPES if (r.block_rows, r.block_cols) == (height, 16)]
        every = range(blocks_in(recipes[0], few[0]))
        seen = {i for r in recipes for i in range(start(r, few[0]), len(every), EVERY)}
        assert seen == set(every)


@pytest.mark.exhaustive
@pytest.mark.parametrize("recipe", [r for r in RECIPES if r.search], ids=lambda r: r.name)
def test_every_case_of_a_search(recipe, few):
    assert disagreements(recipe, taken(recipe, few))
