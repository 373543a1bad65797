"""For each axis and each pair of its values: an input on which two recipes that differ only there disagree.

An axis without such a vector would be vacuous or untested. The search is deterministic: the same code finds
the same vectors, so the committed file can be reproduced.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from itertools import combinations
from typing import Any

import numpy as np

from fos_ref.engines.front import dequantize, quantize
from fos_ref.errors import InputError, RecipeError
from fos_ref.formats.arrays import AnyArray
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import field_kind, Recipe, SCALE_BOUNDS
from fos_ref.storage.tensor import QuantizedTensor
from fos_ref.verify.disagreement import partners, taking
from fos_ref.verify.distributions import make
from fos_ref.verify.hard_inputs import hard_inputs, scale_midpoints

#: Pairs that no input can tell apart, and why.
INDISTINGUISHABLE = {
    ("reciprocal", "exact", "approximate"): "the hardware decides; the model computes both as exact",
}
_FAMILIES = ("coarse", "normal", "subnormal-scale", "heavy-tailed", "zero-laden", "signed-zero", "worst-case")
_SHAPE = (256, 512)


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A tensor and, where it matters, the caller's tensor amax."""

    x: AnyArray
    amax: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """Two recipes that differ in `axes` only, and an input that shows it."""

    axis: str
    values: tuple[str, str]
    axes: dict[str, tuple[Any, Any]]
    first: Recipe
    second: Recipe
    input: Input


Outcome = tuple[bytes, ...] | str


def axis_pairs() -> Iterator[tuple[str, Any, Any]]:
    """Yield (axis, value, other value) for every axis and every pair of its values."""
    for axis in PRESETS["nvfp4"].axes():
        kind = field_kind(axis)
        values: list[Any] = list(kind) if issubclass(kind, Enum) else list(SCALE_BOUNDS)
        for u, v in combinations(values, 2):
            yield axis, u, v


def recipe_pairs(axis: str, u: Any, v: Any) -> list[tuple[Recipe, Recipe]]:
    """Return pairs of recipes with `u` and with `v` on `axis`, one pair per preset, fewest further axes first.

    A further axis differs only where the legality table demands it (absmax has no summation order).
    """
    found = []
    for base in PRESETS.values():
        first, second = _with(base, axis, u), _with(base, axis, v)
        if first is not None and second is not None:
            found.append((first, second))
    return sorted(found, key=lambda pair: len(pair[0].diff(pair[1])))


def _with(base: Recipe, axis: str, value: Any) -> Recipe | None:
    """Return `base` with `value` on `axis`, and with what must follow, taken from a preset that has it."""
    if getattr(base, axis) == value:
        return base
    try:
        return replace(base, name=f"{base.name}+{axis}", **{axis: value})
    except RecipeError:
        donors = [r for r in PRESETS.values() if getattr(r, axis) == value]
        options = {(axis, *partners(base, d, axis)): d for d in donors}
        if not options:
            return None
        axes = min(options, key=len)
        return taking(base, options[axes], axes)


def outcome(r: Recipe, given: Input) -> Outcome:
    """Return everything a recipe makes of an input, as bytes; "raises" where it refuses it."""
    try:
        q = quantize(given.x, r, amax=_amax_for(r, given), engine="numpy")
    except InputError:
        return "raises"
    return q.codes.tobytes(), q.block_scales.tobytes(), dequantize(q).tobytes()


def _amax_for(r: Recipe, given: Input) -> Any:
    """Return the input's amax in the shape the recipe takes: one for all, or the same for every row."""
    if given.amax is None or r.amax_scope is AmaxScope.TENSOR:
        return given.amax
    return np.broadcast_to(np.asarray(given.amax, dtype=np.float32), given.x.shape[:1])


def find(axis: str, u: Any, v: Any) -> Vector | None:
    """Return the first vector of the search for a pair, None when there is none.

    Cheap inputs are tried on every pair of recipes before dear ones on any.
    """
    pairs = recipe_pairs(axis, u, v)
    for inputs in (_small, _midpoints, _families):
        for first, second in pairs:
            for given in inputs(first, second):
                if outcome(first, given) != outcome(second, given):
                    return Vector(
                        axis=axis,
                        values=(_name(u), _name(v)),
                        axes=first.diff(second),
                        first=first,
                        second=second,
                        input=given,
                    )
    return None


def _name(value: Any) -> str:
    return str(value.value if isinstance(value, Enum) else value)


def _block(a: Recipe, b: Recipe) -> tuple[int, int]:
    """Return the rows and columns of the larger block of two recipes."""
    return max(a.block_rows, b.block_rows), max(a.block_cols, b.block_cols)


def _small(a: Recipe, b: Recipe) -> Iterator[Input]:
    for x, amax in hard_inputs(*_block(a, b)):
        yield Input(x=x, amax=amax)


def _midpoints(a: Recipe, b: Recipe) -> Iterator[Input]:
    yield from _cut(scale_midpoints(*_block(a, b)), a, b, np.float32(1))


def _families(a: Recipe, b: Recipe) -> Iterator[Input]:
    """Yield single blocks cut out of seeded tensors where the recipes disagree."""
    for family in _FAMILIES:
        for dtype in ("float32", "bfloat16"):
            yield from _cut(make(family, _SHAPE, 0, dtype), a, b)


def _cut(x: AnyArray, a: Recipe, b: Recipe, amax: Any = None) -> Iterator[Input]:
    """Yield the first block of x where the recipes disagree, with the tensor amax it was seen under."""
    whole = Input(x=x, amax=amax)
    qa, qb = (quantize(x, r, amax=_amax_for(r, whole), engine="numpy") for r in (a, b))
    rows, cols = _block(a, b)
    differs = _byte_differs(qa, qb)
    if not differs.any():
        return
    byte = int(np.flatnonzero(differs)[0])
    row, col = byte // differs.shape[1] // rows * rows, byte % differs.shape[1] * 2 // cols * cols
    seen = qa.tensor_amax[row] if qa.tensor_amax.ndim else qa.tensor_amax
    yield Input(x=x[row : row + rows, col : col + cols].copy(), amax=seen)


def _byte_differs(a: QuantizedTensor, b: QuantizedTensor) -> AnyArray:
    """Return per code byte whether it, or the scale over it, differs."""
    scales = [np.repeat(q.block_scales, q.recipe.block_cols // 2, axis=1) for q in (a, b)]
    return (a.codes != b.codes) | (scales[0] != scales[1])
