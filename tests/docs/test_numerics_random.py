"""The tables of docs/numerics.md that say which stochastic preset has which value of a younger axis."""

import pytest

import fos_ref
from fos_ref.recipes.dialect import YOUNGER
from fos_ref.recipes.recipe import field_kind
from tests.docs.document import matching, read_tables, RECIPES, text_of

TABLES = read_tables(text_of("numerics.md"))


@pytest.mark.parametrize("axis", YOUNGER)
def test_axis_table_of_stochastic_recipes(axis):
    """Plain recipes have the default of a younger axis, so its table names the stochastic ones."""
    header, rows = TABLES[f"`{axis}`"]
    assert header[-1] == "presets"
    values = [v.strip("`") for v, *_ in rows]
    used = {n: getattr(r, axis) for n, r in fos_ref.STOCHASTIC.items() if getattr(r, axis) is not None}
    used = {n: str(getattr(v, "value", v)) for n, v in used.items()}
    allowed = [*used.values(), "0"] if axis == "random_width" else [m.value for m in field_kind(axis)]
    assert set(values) == set(allowed)
    cells = {v: row[-1] for v, row in zip(values, rows, strict=True)}
    named = {v: matching(c, fos_ref.STOCHASTIC) for v, c in cells.items() if "`" in c}
    rest = set(used).difference(*named.values())
    for value, cell in cells.items():
        want = rest if cell == "all others" else named.get(value, set())
        assert cell == "all others" or value in named or cell == "none"
        assert want == {n for n, v in used.items() if v == value}, f"{axis} = {value}"
    assert all(getattr(r, axis) in (None, default) for r in RECIPES.values() for default in [YOUNGER[axis]])
