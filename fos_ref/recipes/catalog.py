"""Every preset by name, and the look-up that names near misses."""

from __future__ import annotations

import os
from types import MappingProxyType
from typing import cast

from fos_ref.errors import near, RecipeError
from fos_ref.foreign import shown
from fos_ref.recipes.file import is_path, read_recipe
from fos_ref.recipes.presets import (
    compressed_tensors,
    flashinfer,
    fouroversix,
    ggml,
    gptqmodel,
    mlx,
    modelopt,
    mx,
    own,
    quartet2,
    qwix,
    research,
    serving,
    stochastic,
    te,
    torchao,
)
from fos_ref.recipes.recipe import Recipe

_LONGEST = 100  #: characters of a name that near names are looked for
_FAMILIES = (
    own,
    te,
    flashinfer,
    fouroversix,
    modelopt,
    compressed_tensors,
    torchao,
    quartet2,
    qwix,
    serving,
    mlx,
    mx,
    gptqmodel,
    ggml,
    research,
    stochastic,
)
_RECIPES: list[Recipe] = [r for family in _FAMILIES for r in family.presets()]
_BY_NAME = {r.name: r for r in _RECIPES}
_BY_NAME |= {alias: _BY_NAME[name] for alias, name in own.ALIASES.items()}

#: Every preset whose bits the tensor decides: name -> Recipe. Second names too: 4over6-mse is 4over6.
PRESETS = MappingProxyType({name: r for name, r in _BY_NAME.items() if not r.stochastic})
#: The presets that take random bits besides: `quantize(x, name, random_bits=...)`.
STOCHASTIC = MappingProxyType({name: r for name, r in _BY_NAME.items() if r.stochastic})


def recipe(name: str | os.PathLike[str] | Recipe) -> Recipe:
    """Return the preset called `name`, or the recipe of the JSON file there; a `Recipe` as it is.

    A text that ends in .json, and any `os.PathLike`, is a file: what `fos recipes NAME --json` prints, with
    axes of your own. It may not bear a preset's name with other axes.

    Raises: RecipeError for an unknown name; it lists up to three similar names; for a file that holds none.
    """
    kind = type(name)  # isinstance would ask the object itself
    if issubclass(kind, Recipe):
        return cast("Recipe", name)
    if is_path(name):
        return own_name(read_recipe(name))
    if not issubclass(kind, str):
        msg = f"no recipe is called {shown(name)}: the name of a preset, a Recipe or a path is allowed"
        raise RecipeError(msg)
    assert isinstance(name, str)
    if name in _BY_NAME:
        return _BY_NAME[name]
    names = near(name[:_LONGEST], _BY_NAME)
    hint = f"did you mean {', '.join(names)}?" if names else "`fos recipes` lists all"
    msg = f"no recipe is called {shown(name)}: {hint}"
    raise RecipeError(msg)


def own_name(r: Recipe) -> Recipe:
    """Return r; RecipeError where it takes a preset's name for something else."""
    same = _BY_NAME.get(r.name)
    if same is not None and same.diff(r):
        msg = (
            f"recipe {r.name!r} differs from the preset of that name in {', '.join(same.diff(r))}: rename it"
        )
        raise RecipeError(msg)
    return r
