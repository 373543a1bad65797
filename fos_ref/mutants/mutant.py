"""What a mutant is: a quantizer with one deliberate mistake, named by the bug class it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fos_ref.engines.front import quantize
from fos_ref.mutants.plant import planted, Swap
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.tensor import QuantizedTensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mutant:
    """One mistake. It shows under every recipe that uses the step in which the mistake is made."""

    name: str
    flag: str  #: the bug class; "Unexplained" where no class names it
    recipe: str = "4over6"  #: the preset it is shown and counted on
    edition: int = 1  #: of the golden vectors: those of a published edition know no later mutant
    comment: str  #: the bug, its effect, and who might write it
    swaps: tuple[Swap, ...]

    def quantize(self, x: Any, recipe: Recipe | str | None = None, *, amax: Any = None) -> QuantizedTensor:
        """Quantize x with the mistake, by the NumPy model; `recipe` is the mutant's own unless given.

        The result names the recipe that was asked for, as a wrong implementation would. Arguments and errors
        are those of `fos_ref.quantize`. Not thread-safe: other threads that quantize have the mistake too.
        """
        with self.planted():
            return quantize(x, self.recipe if recipe is None else recipe, amax=amax, engine="numpy")

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Make the mistake in the model of this process while the `with` block lasts. Not thread-safe."""
        with planted(self.swaps):
            yield
