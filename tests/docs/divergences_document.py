"""The blocks and the counted pairs of docs/divergences.md, parsed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import numpy as np

from fos_ref.formats.bits import from_f32_hex
from fos_ref.inputs.distributions import DTYPES
from fos_ref.recipes import Recipe
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.recipe import field_kind
from tests.docs.document import read_tables, RECIPES, text_of

TEXT = text_of("divergences.md")
TABLES = read_tables(TEXT)
_BLOCK = re.compile(r"^Block (D\d+[a-z]?), axis `(\w+)`, A (\w{8})(?:, (\w+))?: `([^`]+)`$", re.MULTILINE)


@dataclass(frozen=True)
class Row:
    """What some presets make of a block."""

    block: str
    axis: str
    value: str
    x: np.ndarray  #: (1, 16)
    amax: np.float32
    patterns: tuple[str, ...]
    output: str  #: "scale codes" in hex

    @property
    def recipes(self) -> list[Recipe]:
        """Every recipe that the patterns name, 16x16 ones left out; a pattern that names none is an error."""
        found = {p: named(p) for p in self.patterns}
        assert all(found.values()), f"{self.block}: a pattern names nothing: {found}"
        return [r for recipes in found.values() for r in recipes]

    def amax_for(self, r: Recipe) -> np.ndarray:
        """Return the amax as `quantize` takes it for `r`."""
        return np.full(1 if r.amax_scope is AmaxScope.ROW else (), self.amax, dtype=np.float32)


def named(pattern: str) -> list[Recipe]:
    """Return the recipes of a shell pattern, or the one of `preset + axis=value + ...`."""
    if " + " in pattern:
        return [one(pattern)]
    return [r for n, r in RECIPES.items() if fnmatchcase(n, pattern) and r.block_rows == 1]


def one(pattern: str) -> Recipe:
    """Return the recipe of one name, changed where the pattern says so."""
    name, *changes = pattern.split(" + ")
    return changed(RECIPES[name], dict(c.split("=", 1) for c in changes))


def changed(recipe: Recipe, values: dict[str, str]) -> Recipe:
    """Return `recipe` with some axes set to members given by their JSON names."""
    return replace(recipe, **{axis: field_kind(axis)(value) for axis, value in values.items()})


def value_of(recipe: Recipe, axis: str) -> str:
    """Return the JSON name of an axis's value."""
    value = recipe.axes()[axis]
    return str(getattr(value, "value", value))


def read_rows() -> list[Row]:
    """Return every row of every block's table."""
    found = []
    for label, axis, amax, dtype, values in _BLOCK.findall(TEXT):
        x = np.zeros((1, 16), dtype=np.float32)
        for place, bits in re.findall(r"x(\d+) (\w{8})", values):
            x[0, int(place)] = from_f32_hex(bits)
        narrow = x.astype(DTYPES[dtype or "float32"])
        assert np.array_equal(narrow.astype(np.float32), x, equal_nan=True), f"{label} is not {dtype}"
        header, rows = TABLES[label]
        assert header == [label, "presets", "scale", "codes"]
        for value, cell, scale, codes in rows:
            patterns = tuple(p.replace("\\|", "|") for p in re.findall(r"`([^`]+)`", cell))
            plain = value.strip("`").replace("\\|", "|")
            found.append(Row(label, axis, plain, narrow, from_f32_hex(amax), patterns, f"{scale} {codes}"))
    return found


ROWS = read_rows()
#: (label, axis, a, b, {distribution: "n (m)"}) of every row of a table "D1 how often, `axis`".
COUNTED = [
    (*header[0].replace("`", "").split(" how often, "), *pair, dict(zip(header[1:], row[1:], strict=True)))
    for header, rows in TABLES.values()
    if " how often, " in header[0]
    for row in rows
    for pair in [re.findall(r"`([^`]+)`", row[0])]
]
