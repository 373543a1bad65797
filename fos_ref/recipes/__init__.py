"""What is a dialect? Axes as enums, a recipe as a value, presets with their sources."""

from fos_ref.recipes.catalog import PRESETS, recipe, STOCHASTIC
from fos_ref.recipes.recipe import BLOCK, Recipe
from fos_ref.recipes.settings.configured import configured

__all__ = ["BLOCK", "PRESETS", "STOCHASTIC", "Recipe", "configured", "recipe"]
