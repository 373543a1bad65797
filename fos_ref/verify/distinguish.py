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
from fos_ref.recipes.recipe import SCALE_BOUNDS, Recipe, field_kind
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
_SEEDS = 6


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


def recipe_pairs(axis: str, u: Any, v: Any) -> Iterator[tuple[Recipe, Recipe]]:
    """Yield pairs of recipes with `u` and with `v` on `axis`, fewest further axes first.

    A further axis differs only where the legality table demands it (absmax has no summation order).
    """
    found: dict[str, tuple[int, Recipe, Recipe]] = {}
    donors = [r for r in PRESETS.values() if getattr(r, axis) == v]
    for base in PRESETS.values():
        if getattr(base, axis) != u:
            continue
        for second in _changed(base, axis, v, donors):
            found.setdefault(base.name, (len(base.diff(second)), base, second))
    for _, first, second in sorted(found.values(), key=lambda t: t[0]):
        yield first, second


def _changed(base: Recipe, axis: str, v: Any, donors: list[Recipe]) -> Iterator[Recipe]:
    try:
        yield replace(base, name=f"{base.name}+{axis}", **{axis: v})
    except RecipeError:
        options = [(axis, *partners(base, d, axis)) for d in donors]
        if options:
            axes = min(options, key=len)
            yield taking(base, donors[options.index(axes)], axes)


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
    """Return the first vector of the search for a pair, None when there is none."""
    for first, second in recipe_pairs(axis, u, v):
        for given in _inputs(first, second):
            if outcome(first, given) != outcome(second, given):
                axes = {k: pair for k, pair in first.diff(second).items()}
                return Vector(
                    axis=axis,
                    values=(_name(u), _name(v)),
                    axes=axes,
                    first=first,
                    second=second,
                    input=given,
                )
    return None


def _name(value: Any) -> str:
    return str(value.value if isinstance(value, Enum) else value)


def _inputs(a: Recipe, b: Recipe) -> Iterator[Input]:
    """Yield small hard inputs, then single blocks cut out of seeded tensors where the recipes disagree."""
    rows, cols = max(a.block_rows, b.block_rows), max(a.block_cols, b.block_cols)
    for x, amax in hard_inputs(rows, cols):
        yield Input(x=x, amax=amax)
    cut = _cut(scale_midpoints(rows, cols), a, b, np.float32(1))
    if cut is not None:
        yield cut
    for seed in range(_SEEDS):
        for family in _FAMILIES:
            for dtype in ("float32", "bfloat16"):
                cut = _cut(make(family, _SHAPE, seed, dtype), a, b)
                if cut is not None:
                    yield cut


def _cut(x: AnyArray, a: Recipe, b: Recipe, amax: Any = None) -> Input | None:
    """Return the first block of x where the recipes disagree, with the tensor amax it was seen under."""
    whole = Input(x=x, amax=amax)
    qa, qb = (quantize(x, r, amax=_amax_for(r, whole), engine="numpy") for r in (a, b))
    rows, cols = max(a.block_rows, b.block_rows), max(a.block_cols, b.block_cols)
    differs = _byte_differs(qa, qb)
    if not differs.any():
        return None
    byte = int(np.flatnonzero(differs)[0])
    row, col = byte // differs.shape[1] // rows * rows, byte % differs.shape[1] * 2 // cols * cols
    seen = qa.tensor_amax[row] if qa.tensor_amax.ndim else qa.tensor_amax
    return Input(x=x[row : row + rows, col : col + cols].copy(), amax=seen)


def _byte_differs(a: QuantizedTensor, b: QuantizedTensor) -> AnyArray:
    """Return per code byte whether it, or the scale over it, differs."""
    scales = [np.repeat(q.block_scales, q.recipe.block_cols // 2, axis=1) for q in (a, b)]
    return (a.codes != b.codes) | (scales[0] != scales[1])


