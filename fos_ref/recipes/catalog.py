"""Every preset by name, and the look-up that names near misses."""

from __future__ import annotations

from types import MappingProxyType

from fos_ref.errors import near, RecipeError
from fos_ref.recipes.presets import (
    compressed_tensors,
    flashinfer,
    fouroversix,
    modelopt,
    own,
    quartet2,
    te,
    torchao,
)
from fos_ref.recipes.recipe import Recipe

_FAMILIES = (own, te, flashinfer, fouroversix, modelopt, compressed_tensors, torchao, quartet2)
_RECIPES: list[Recipe] = [r for family in _FAMILIES for r in family.presets()]
_BY_NAME = {r.name: r for r in _RECIPES}

#: Every preset: name -> Recipe. Second names are included: 4over6-mse is 4over6.
PRESETS = MappingProxyType(_BY_NAME | {alias: _BY_NAME[name] for alias, name in own.ALIASES.items()})


def recipe(name: str | Recipe) -> Recipe:
    """Return the preset called `name`; a `Recipe` is returned as it is.

    Raises: RecipeError for an unknown name; it lists up to three similar names.
    """
    if isinstance(name, Recipe):
        return name
    if isinstance(name, str) and name in PRESETS:
        return PRESETS[name]
    names = near(str(name), PRESETS)
    hint = f"did you mean {', '.join(names)}?" if names else "`fos recipes` lists all"
    msg = f"no recipe is called {name!r}: {hint}"
    raise RecipeError(msg)
