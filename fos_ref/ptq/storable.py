"""Which recipes a checkpoint of compressed-tensors can hold after a column walk."""

from __future__ import annotations

from fos_ref.errors import RecipeError
from fos_ref.errors.text import listed
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.catalog import recipe as get_recipe
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.conventions import COMPRESSED_TENSORS, convention

_SHOWN = 12  #: names in a message


def storable(recipe: Recipe | str) -> Recipe:
    """Return a recipe that compressed-tensors can store, E2M1 under E4M3 or E8M0 scales of one amax.

    Raises: RecipeError, which says why not and lists presets that can be.
    """
    r = get_recipe(recipe)
    if (reason := refusal(r)) is None:
        return r
    can = names()
    msg = f"{reason}; compressed-tensors stores {len(can)} presets: {listed(can, _SHOWN)}"
    raise RecipeError(msg)


def refusal(r: Recipe) -> str | None:
    """Return why a recipe cannot be stored so, or None."""
    if r.stochastic or r.corrects:
        return f"recipe {r.name!r} needs random bits"
    try:
        convention(COMPRESSED_TENSORS.name, r)
    except RecipeError as error:
        return error.said
    return None


def names() -> list[str]:
    """Return the presets that can be stored, in the order of the list of presets."""
    return [name for name, r in PRESETS.items() if refusal(r) is None]
