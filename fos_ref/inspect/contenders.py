"""Which recipes may have made a quantized weight, those of equal bits put together, and how they did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fos_ref.errors import RecipeError
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.conventions import check_storable

_BLIND = ("dequantize", "nonfinite")  #: axes that move no byte of a finite weight's codes and scales
_OWN_FAMILY = ("4over6", "nvfp4")
#: Names that a convention's own program goes by, taken first among contenders that do equally well.
_FAMILY = {
    "modelopt": ("modelopt-",),
    "compressed-tensors": ("compressed-tensors-", "llmcompressor-"),
    "torchao": ("torchao-",),
}


@dataclass(slots=True)
class Contender:
    """One set of bits, the names it goes by, and how it did."""

    recipe: Recipe
    names: tuple[str, ...]
    blocks: int = 0  #: compared
    equal: int = 0  #: with the same scale byte and the same sixteen codes
    own_tensor_scales: int = 0  #: weights whose stored tensor scale is what the recipe makes of their amax
    derived: list[str] = field(default_factory=list)  #: weights whose tensor scale it makes of no known amax
    dropped: bool = False

    @property
    def differing(self) -> int:
        """How many blocks were not equal."""
        return self.blocks - self.equal

    @property
    def share(self) -> float:
        """The share of equal blocks."""
        return self.equal / self.blocks if self.blocks else 0.0

    @property
    def exact(self) -> bool:
        """Whether every block was equal."""
        return self.blocks > 0 and not self.differing and not self.dropped

    def to_dict(self) -> dict[str, Any]:
        """Return the contender as plain JSON values."""
        return {
            "presets": list(self.names),
            "blocks": self.blocks,
            "equal_blocks": self.equal,
            "equal_share": self.share,
            "own_tensor_scales": self.own_tensor_scales,
            "dropped": self.dropped,
        }


def contenders(
    allowed: Callable[[Recipe], bool], convention: str, manifest: Recipe | None
) -> list[Contender]:
    """Return the storable presets for which `allowed` holds, equal bits put together, names in preference.

    A manifest's recipe takes part, whatever it is.
    """
    groups: dict[tuple[Any, ...], list[Recipe]] = {}
    for r in dict.fromkeys(PRESETS.values()):
        if _storable(r) and allowed(r):
            groups.setdefault(_bits(r), []).append(r)
    if manifest is not None and _bits(manifest) not in groups:
        groups[_bits(manifest)] = [manifest]
    rank = _preference(convention)
    ordered = (sorted(group, key=lambda r: rank(r.name)) for group in groups.values())
    made = [Contender(group[0], tuple(r.name for r in group)) for group in ordered]
    return sorted(made, key=lambda c: rank(c.names[0]))


def is_bits_of(c: Contender, r: Recipe) -> bool:
    """Return whether contender `c` stands for recipe `r`."""
    return _bits(c.recipe) == _bits(r)


def _bits(r: Recipe) -> tuple[Any, ...]:
    return tuple(v for k, v in r.axes().items() if k not in _BLIND)


def _storable(r: Recipe) -> bool:
    try:
        check_storable(r)
    except RecipeError:
        return False
    return True


def _preference(convention: str) -> Callable[[str], int]:
    first = _FAMILY.get(convention, ())

    def rank(name: str) -> int:
        return 0 if name.startswith(first) and first else 1 if name.startswith(_OWN_FAMILY) else 2

    return rank
