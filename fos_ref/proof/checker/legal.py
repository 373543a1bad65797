"""What other legal recipes give is another dialect, not a layout: no such flag may be named."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import Any

import numpy as np

from fos_ref.check.api import check
from fos_ref.check.flaws.catalogue import LAYOUT_FLAGS
from fos_ref.engines.front import quantize
from fos_ref.errors import FosError, RecipeError
from fos_ref.formats.arrays import F32
from fos_ref.inputs.distributions import make
from fos_ref.recipes.axes import BlockShape, NonFinite
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import field_kind, Recipe, SCALE_BOUNDS

TASKS, PER_TASK = 100, 100
#: Never named where every byte is what some legal recipe gives.
NEVER = frozenset({*LAYOUT_FLAGS, "NothingWritten"})
_SHAPES = ((8, 64), (16, 64), (16, 128), (32, 64), (48, 96))
_FAMILIES = ("normal", "coarse", "heavy-tailed", "laplace")
_MOST_AXES = 3  #: that are drawn anew
_FIXED = ("block_shape", "nonfinite")  #: how many bytes there are, and whether values are refused


def wrongly_named(task: str) -> int:
    """Return on how many of a task's outputs a layout, or nothing written, is named."""
    rng = np.random.Generator(np.random.Philox(key=np.array([int(task), 0x1E6A1], dtype=np.uint64)))
    return sum(_named(rng) for _ in range(PER_TASK))


def _named(rng: np.random.Generator) -> bool:
    while True:
        asked, other = drawn(rng)
        x = make(str(rng.choice(_FAMILIES)), _SHAPES[rng.integers(len(_SHAPES))], int(rng.integers(1 << 30)))
        made = _made(x, other)
        if made is not None:
            return bool(NEVER & set(check(x, *made, recipe=asked).flags))


def drawn(rng: np.random.Generator) -> tuple[Recipe, Recipe]:
    """Return a preset that is asked for, and another legal recipe of the same shape of blocks."""
    presets = [r for r in PRESETS.values() if r.block_shape is not BlockShape.TILE_16X16]
    while True:
        asked, base = (presets[rng.integers(len(presets))] for _ in range(2))
        if asked.block_shape is not base.block_shape:
            continue
        other = _varied(base, rng)
        if other is not None and asked.diff(other):
            return asked, other


def _varied(base: Recipe, rng: np.random.Generator) -> Recipe | None:
    """Return the recipe with one to three axes drawn anew; None where that is not legal."""
    axes = [a for a in base.axes() if a not in _FIXED]
    changed = {str(a): _value(str(a), rng) for a in rng.choice(axes, rng.integers(1, _MOST_AXES + 1))}
    try:
        return replace(base, name="drawn", nonfinite=NonFinite.RAISE, **changed)
    except RecipeError:
        return None


def _value(axis: str, rng: np.random.Generator) -> Any:
    kind = field_kind(axis)
    values: list[Any] = list(kind) if issubclass(kind, Enum) else list(SCALE_BOUNDS)
    return values[rng.integers(len(values))]


def _made(x: F32, r: Recipe) -> tuple[Any, Any] | None:
    """Return the bytes, codes of more than one kind; None where the recipe loses everything."""
    try:
        q = quantize(x, r, engine="numpy")
    except FosError:
        return None
    several = len(np.unique(q.codes & 0x77)) > 1
    return (q.codes, q.block_scales) if several else None
