"""Hypothesis strategies for your own kernel's tests: see fos_ref/inputs/strategies.py."""

from fos_ref.inputs.strategies import amaxes, blocks, cases, dtypes, matrices, RECIPES, recipes

__all__ = ["RECIPES", "amaxes", "blocks", "cases", "dtypes", "matrices", "recipes"]
