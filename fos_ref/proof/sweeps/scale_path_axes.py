"""Which recipes share a scale path: the axes that decide S, the unrounded block scales and their bytes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from fos_ref.fast import exact_scale
from fos_ref.formats.arrays import U32
from fos_ref.formats.bits import f32_bits
from fos_ref.recipes.axes import BlockScale, Map4Scale, ScaleFloor, ScaleFormat, TensorScale
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import Recipe

#: The recipes whose scale paths are swept: their names begin so.
FAMILIES = ("4over6", "te-")
SECOND_NAMES = "te-train-"  #: of recipes that are here already
_AXES = (
    "candidates",
    "tensor_scale",
    "block_scale",
    "map4_scale",
    "scale_max",
    "scale_floor",
    "scale_format",
    "scale_nan",
)
_OF_ZERO = {
    TensorScale.CLAMPED: exact_scale.FLT_MAX,
    TensorScale.CLAMPED_ZERO_IS_ONE: exact_scale.ONE,
}


@dataclass(frozen=True, slots=True)
class Path:
    """One scale path, named after the first preset that has it."""

    name: str
    recipe: Recipe
    presets: tuple[str, ...]

    def beside(self, other: Path) -> bool:
        """Return whether the two differ in the tensor scale alone, so equal S give equal bytes."""
        same = replace(self.recipe, tensor_scale=other.recipe.tensor_scale)
        return scale_axes(same) == scale_axes(other.recipe)


def scale_axes(r: Recipe) -> tuple[Any, ...]:
    """Return the axes that decide a block's scale bytes."""
    return tuple(getattr(r, name) for name in _AXES)


@cache
def paths() -> tuple[Path, ...]:
    """Return every scale path of the families, each with all presets that share it."""
    shared: dict[tuple[Any, ...], list[str]] = {}
    for name, r in PRESETS.items():
        if name.startswith(FAMILIES) and not name.startswith(SECOND_NAMES):
            shared.setdefault(scale_axes(r), []).append(name)
    return tuple(Path(names[0], PRESETS[names[0]], tuple(names)) for names in shared.values())


def exact_encode_scales(amax: U32, r: Recipe) -> U32:
    """Return the float32 patterns of S for finite tensor amaxes, made in integers. N3a, N3b."""
    out = np.empty_like(amax)
    range_max = int(f32_bits(np.array([r.range_max]))[0])
    exact_scale.encode_scales(amax, range_max, _OF_ZERO[r.tensor_scale], out)
    return out


def exact_bases(b: U32, sixths: U32, encode: int, r: Recipe) -> tuple[U32, U32 | None]:
    """Return the patterns of the unrounded block scales (map-to-6, map-to-4 or None), made in integers.

    `sixths` are the patterns of b / 6, which depend on b alone. N5a, N5b, N6a.
    """
    assert r.scale_floor is ScaleFloor.NONE
    assert r.scale_format is ScaleFormat.E4M3
    base = np.empty_like(b)
    match r.block_scale:
        case BlockScale.DIVIDE_THEN_MULTIPLY:
            exact_scale.products(sixths, encode, base)
        case BlockScale.FOLDED_RECIPROCAL:
            exact_scale.folded(b, encode, base)
        case _:
            msg = f"no integer form of {r.block_scale}"
            raise AssertionError(msg)
    match r.map4_scale:
        case None:
            return base, None
        case Map4Scale.EXPAND_BEFORE_ROUNDING:
            expanded = np.empty_like(base)
            exact_scale.products(base, exact_scale.THREE_HALVES, expanded)
            return base, expanded
        case _:
            msg = f"no integer form of {r.map4_scale}"
            raise AssertionError(msg)
