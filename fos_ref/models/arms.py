"""An arm of an evaluation: which operands are quantized, by which recipe, with which amax, in which draw."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from fos_ref.errors import InputError
from fos_ref.recipes.axes import AmaxScope, TensorScale
from fos_ref.recipes.catalog import recipe as get_recipe
from fos_ref.recipes.recipe import Recipe

FULL = "float32"  #: the arm without any quantization
SCOPES = ("tensor", "row")
AMAXES = ("dynamic", "static")
SAME, NONE = "same", "none"


@dataclass(frozen=True)
class Arm:
    """One setting of the model.

    weights:     the recipe of the weights, quantized once; None: as they are
    activations: the recipe of the inputs of the linear layers; None: as they are
    scope:       "tensor": one amax for all tokens of a window; "row": one for each token
    amax:        "dynamic": that of the window; "static": the largest of the calibration windows, per layer
    phase:       of the weights' amax (fos_ref/models/draws.py)
    """

    weights: Recipe | None = None
    activations: Recipe | None = None
    scope: str = "tensor"
    amax: str = "dynamic"
    phase: float = 1.0

    @property
    def name(self) -> str:
        """The arm's name without its draw: "4over6", "W 4over6 A none", ..."""
        w, a = (NONE if r is None else r.name for r in (self.weights, self.activations))
        if w == a:
            return FULL if w == NONE else w
        return f"W {w} A {a}"

    def key(self) -> dict[str, Any]:
        """Return the arm as JSON values, with the recipes' fingerprints."""
        recipes = {"weights": self.weights, "activations": self.activations}
        prints = {k: None if r is None else [r.name, r.fingerprint()] for k, r in recipes.items()}
        return {**prints, "scope": self.scope, "amax": self.amax, "phase": self.phase}


def by_row(r: Recipe) -> Recipe:
    """Return the recipe with a tensor amax for each row.

    Its bits are those of the recipe on each row by itself; given the amax of a whole tensor in each row,
    those of the recipe on the tensor. Raises: RecipeError for a recipe of 16x16 tiles.
    """
    if r.amax_scope is AmaxScope.ROW or r.tensor_scale is TensorScale.NONE:
        return r
    return replace(r, name=f"{r.name}-by-row", amax_scope=AmaxScope.ROW)


def arm_of(name: str, weights: str, activations: str, scope: str, amax: str) -> Arm:
    """Return the arm of a recipe for the words of the command.

    weights, activations: "same", "none" or a recipe of their own
    Raises: RecipeError; InputError where nothing is quantized, and for a recipe that takes random bits.
    """
    of_weights, of_inputs = (_of(word, name) for word in (weights, activations))
    if of_weights is None and of_inputs is None:
        msg = "neither weights nor activations are quantized: one of them is needed"
        raise InputError(msg)
    if scope == "row" and of_inputs is not None:
        by_row(of_inputs)  # it can
    return Arm(of_weights, of_inputs, scope, amax)


def _of(word: str, same: str) -> Recipe | None:
    if word == NONE:
        return None
    r = get_recipe(same if word == SAME else word)
    if r.stochastic:
        msg = f"recipe {r.name!r} takes random bits: a recipe without is allowed"
        raise InputError(msg)
    return r
