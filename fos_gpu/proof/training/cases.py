"""What is compared: recipes, and where the words of each come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from fos_gpu.build.training_units import samples
from fos_ref.random.maps.wordmap import Option
from fos_ref.recipes.recipe import Recipe

NO_OPTIONS: Mapping[str, Option] = MappingProxyType({})
RECIPES = {r.name: r for r in samples()}


@dataclass(frozen=True, slots=True)
class Case:
    """One stochastic recipe with its words: a map's, drawn in the kernel, or any words, given."""

    recipe: Recipe
    map: str = ""
    options: Mapping[str, Option] = field(default_factory=lambda: NO_OPTIONS)

    @property
    def name(self) -> str:
        """What the case is called in the finding."""
        chosen = "".join(f" {k}={v}" for k, v in self.options.items())
        return f"{self.recipe.name}, {self.map or 'given words'}{chosen}"


def _drawn(recipe: str, name: str, **options: Option) -> Case:
    return Case(RECIPES[recipe], name, MappingProxyType(options))


_LANE, _REVERSED, _SOFTWARE = (f"te-train-gradient-{s}" for s in ("byte-lane", "pair-reversed", "software"))
_NATURAL = "te-train-gradient, sr-a byte-natural 8"

#: Every recipe with words that are given, and every map that serves elements, drawn in the kernel.
CASES = (
    *map(Case, RECIPES.values()),
    _drawn(_LANE, "te-fused-row"),
    _drawn(_REVERSED, "te-fused-column"),
    _drawn(_NATURAL, "te-tuned-row"),
    _drawn(_SOFTWARE, "te-tuned-row", copies="row"),
    _drawn(_SOFTWARE, "te-tuned-column"),
    _drawn(_NATURAL, "te-general-row"),
    _drawn(_NATURAL, "te-general-row", copies="row"),
    _drawn(_NATURAL, "te-general-column"),
    _drawn("torchao-train-gradient-byte-lane", "torchao-triton"),
    _drawn("torchao-train-gradient-pair-reversed", "torchao-triton", copy="column", tile_tokens=256),
    _drawn("torchao-train-gradient-byte-lane", "torchao-cute-row"),
    _drawn("torchao-train-gradient-pair-reversed", "torchao-cute-column"),
    _drawn("fouroversix-triton-sr-byte-lane", "fouroversix-triton"),
    _drawn("fouroversix-triton-sr-unbiased-absmax-pair-reversed", "fouroversix-triton"),
    _drawn("quartet2-simulator-sr", "quartet2-simulator"),
    _drawn("fouroversix-sr", "fouroversix-triton-uniform"),
    _drawn("te-train-gradient-byte-lane, 16x16", "te-general-row"),
)
#: Maps of block scales, whose words themselves are compared.
OTHER_MAPS = ("quartet2-simulator-scales", "quartet2-scales")
