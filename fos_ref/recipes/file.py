"""A recipe of your own, read from a JSON file: what `fos recipes NAME --json` prints, with other axes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from enum import Enum
from typing import Any

from fos_ref.errors import near, RecipeError
from fos_ref.foreign import cut
from fos_ref.outside.json import read_json_file
from fos_ref.recipes.dialect import AXES
from fos_ref.recipes.recipe import field_kind, Recipe

SUFFIX = ".json"  #: a text that ends so is a path, never a preset's name
_DIGITS = 10  #: of a number in a setting
_LARGEST = 1 << 16  #: bytes; the recipes of this package take some 1,200


def is_path(given: object) -> bool:
    """Return whether `given` names a file rather than a preset."""
    kind = type(given)  # isinstance would ask the object itself
    return issubclass(kind, os.PathLike) or (issubclass(kind, str) and str(given).lower().endswith(SUFFIX))


def read_recipe(path: Any) -> Recipe:
    """Return the recipe of a JSON file: every field of `Recipe.to_dict`, and a fingerprint if it is right.

    Raises: RecipeError for a file that cannot be read or is none, and for a recipe that is not legal.
    """
    shown = cut(str(path))
    data = _read(path, shown)
    try:
        return _recipe(data)
    except RecipeError as e:
        msg = f"recipe {shown}: {e.said}"
        raise RecipeError(msg) from e


def changed(base: Recipe, name: str, settings: Iterable[str]) -> Recipe:
    """Return a recipe called `name` that is `base` with `settings`, each AXIS=VALUE in the words of its JSON.

    A value of "-" is none. Raises: RecipeError for an axis or a value that is none, and for a recipe that is
    not legal.
    """
    data = {**base.to_dict(), "name": name, "source": "", "evidence": "own"}
    for setting in settings:
        axis, equals, text = setting.partition("=")
        if axis not in AXES:
            names = near(axis, AXES) or AXES
            msg = f"setting {cut(setting)}: AXIS=VALUE with one of the axes {', '.join(names)} is allowed"
            raise RecipeError(msg)
        if not equals:
            msg = f"setting {axis}: {axis}=VALUE with {_values(axis)} is allowed"
            raise RecipeError(msg)
        is_number = field_kind(axis) is int and text.isascii() and text.isdigit() and len(text) < _DIGITS
        data[axis] = None if text == "-" else int(text) if is_number else text
    return Recipe.from_dict(data)


def _values(axis: str) -> str:
    """Return what an axis may be, in the words of its JSON."""
    kind = field_kind(axis)
    return f"one of {', '.join(str(m.value) for m in kind)}" if issubclass(kind, Enum) else "a whole number"


def _read(path: Any, shown: str) -> object:
    try:
        return read_json_file(path, RecipeError, most=_LARGEST)
    except OSError as e:
        msg = f"recipe {shown}: {e.strerror or type(e).__name__}: the JSON of one recipe is allowed"
        raise RecipeError(msg) from e


def _recipe(data: object) -> Recipe:
    if not isinstance(data, dict):
        return Recipe.from_dict(data)
    r = Recipe.from_dict({k: v for k, v in data.items() if k != "fingerprint"})
    recorded = data.get("fingerprint", r.fingerprint())
    if recorded != r.fingerprint():
        msg = "its fingerprint is that of other axes: leave it out, or give the right one"
        raise RecipeError(msg)
    return r
