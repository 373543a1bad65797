"""Which recipes may have made a quantized weight, those of equal bits put together, and how they did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fos_ref.recipes.axes import AmaxScope, ElementFormat, ScaleFormat
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import BLOCK, Recipe
from fos_ref.storage.held import BlockFormat, MX_BLOCK

_BLIND = ("dequantize", "nonfinite")  #: axes that move no byte of a finite weight's codes and scales
_OWN_FAMILY = ("4over6", "nvfp4")
_OF_E4M3 = (ScaleFormat.E4M3, ScaleFormat.E4M3_HALF_UP)
#: Names that a convention's own program goes by, taken first among contenders that do equally well.
_FAMILY = {
    "modelopt": ("modelopt-",),
    "compressed-tensors": ("compressed-tensors-", "llmcompressor-"),
    "torchao": ("torchao-",),
    "mlx": ("mlx-",),
    "gguf": ("ggml-",),
}


@dataclass(slots=True, eq=False)
class Contender:
    """One set of bits, the names it goes by, and how it did."""

    recipe: Recipe
    names: tuple[str, ...]
    blocks: int = 0  #: compared
    equal: int = 0  #: with the same scale byte and the same codes
    own_tensor_scales: int = 0  #: weights whose stored tensor scale is what the recipe makes of their amax
    derived: list[str] = field(default_factory=list)  #: weights whose tensor scale it makes of no known amax
    kept: bool = False  #: it is compared with the whole file however it does
    dropped: bool = False  #: after the first look at the file: it was compared no further
    behind: int = 0  #: blocks by which weights set it back, of those that damage does not explain
    standing: tuple[int, ...] = ()  #: the least is best; those of one standing did equally well

    @property
    def share(self) -> float:
        """The share of equal blocks."""
        return self.equal / self.blocks if self.blocks else 0.0

    @property
    def exact(self) -> bool:
        """Whether every block was equal."""
        return self.blocks > 0 and self.equal == self.blocks and not self.dropped

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


def contenders(kind: BlockFormat, convention: str, named: Recipe | None) -> list[Contender]:
    """Return the presets with blocks of a format, equal bits put together.

    Names and contenders are in order of preference. `named`, which a manifest or the caller names, takes part
    to the end, whatever it is.
    """
    groups: dict[tuple[Any, ...], list[Recipe]] = {}
    for r in dict.fromkeys(PRESETS.values()):
        if storable(r, kind):
            groups.setdefault(_bits(r), []).append(r)
    first = None if named is None else _bits(named)
    if named is not None and storable(named, kind):
        groups.setdefault(_bits(named), [named])
    rank = _preference(convention)
    ordered = (sorted(group, key=lambda r: rank(r.name)) for group in groups.values())
    made = [
        Contender(group[0], tuple(r.name for r in group), kept=_bits(group[0]) == first) for group in ordered
    ]
    return sorted(made, key=lambda c: (not c.kept, rank(c.names[0])))


def is_bits_of(c: Contender, r: Recipe) -> bool:
    """Return whether contender `c` stands for recipe `r`."""
    return same_bits(c.recipe, r)


def same_bits(a: Recipe, b: Recipe) -> bool:
    """Return whether two recipes give the same bytes of finite weights."""
    return _bits(a) == _bits(b)


def _bits(r: Recipe) -> tuple[Any, ...]:
    return tuple(v for k, v in r.axes().items() if k not in _BLIND)


def storable(r: Recipe, kind: BlockFormat) -> bool:
    """Return whether a file with such blocks, and one tensor scale at most, may hold what a recipe makes."""
    powers = r.scale_format.is_power
    fits = (BlockFormat.MXFP4, MX_BLOCK) if powers else (BlockFormat.NVFP4, BLOCK)
    bytes_ = r.element_format is ElementFormat.E2M1 and (powers or r.scale_format in _OF_E4M3)
    return bytes_ and fits == (kind, r.block_cols) and r.amax_scope is not AmaxScope.ROW


def _preference(convention: str) -> Callable[[str], int]:
    first = _FAMILY.get(convention, ())

    def rank(name: str) -> int:
        return 0 if name.startswith(first) and first else 1 if name.startswith(_OWN_FAMILY) else 2

    return rank
