"""Inputs for the oracle: what tensors look like, bit patterns, both ends of the range, 16-bit inputs.

Each case is a matrix of `rows` x 32 values and the caller's arguments that go with it. One round is every
case once; another generator gives another round of the same cases.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import ml_dtypes
import numpy as np

from fos_ref.formats.arrays import AnyArray
from fos_ref.proof.oracle.patterns import (
    crossed_amax,
    e2m1_ties,
    e4m3_ties,
    normalised,
    per_block,
    Shape,
    subnormal_scale_ties,
    ties_of_other_grids,
    together,
    whole_range,
)
from fos_ref.recipes.axes import AmaxScope, BlockScale, ElementScaling, NonFinite
from fos_ref.recipes.recipe import Recipe

ROWS, COLS = 16, 32
SHORT = (np.dtype(ml_dtypes.bfloat16), np.dtype(np.float16))


@dataclass(frozen=True)
class Case:
    """An input (rows, 32), what the caller gives with it, and whether all of it is finite."""

    name: str
    x: AnyArray
    arguments: dict[str, Any] = field(default_factory=dict)
    finite: bool = True


def cases(rounds: int = 1) -> list[Case]:
    """Return `rounds` rounds of small cases."""
    return [c for seed in range(rounds) for c in one_round(np.random.Generator(np.random.Philox(seed)))]


def one_round(g: np.random.Generator, rows: int = ROWS) -> list[Case]:
    """Return every case once."""
    shape = (rows, COLS)
    parts = (statistical, patterned, extreme, nonfinite, short, other_formats)
    return [c for part in parts for c in part(g, shape)]


#: What is rounded to the dtype of the input.
_OWN_BASES = (BlockScale.DIVIDE_IN_INPUT_DTYPE, BlockScale.LOGARITHM_IN_INPUT_DTYPE)
_OWN_QUOTIENTS = (ElementScaling.DIVIDE_THEN_ENCODE,)


def taken(r: Recipe, found: list[Case], *, widened: bool = False) -> list[Case]:
    """Return the cases that the recipe accepts.

    16-bit inputs are for the recipes that round in the input's dtype; to the others they are float32 values
    with short significands, and are taken if `widened` asks for them.
    """
    own_dtype = widened or r.block_scale in _OWN_BASES or r.element_scaling in _OWN_QUOTIENTS
    return [
        c
        for c in found
        if (c.finite or r.nonfinite is not NonFinite.RAISE) and (own_dtype or c.x.dtype == np.float32)
    ]


def arguments_for(case: Case, r: Recipe) -> dict[str, Any]:
    """Return the caller's arguments; a row-scaled recipe takes an amax per row and no tensor scale."""
    if r.amax_scope is not AmaxScope.ROW:
        return case.arguments
    amax = case.arguments.get("amax")
    return {} if amax is None else {"amax": amax.repeat(case.x.shape[0])}


def statistical(g: np.random.Generator, shape: Shape) -> list[Case]:
    """Return what tensors look like: normal, heavy-tailed, coarse, sparse."""
    rows = shape[0]
    normal = g.standard_normal(shape).astype(np.float32)
    heavy = np.ldexp(g.standard_normal(shape), g.integers(-4, 5, shape) + g.integers(-6, 7, (rows, 1)))
    coarse = (g.integers(-12, 13, shape) / 8).astype(np.float32)
    sparse = np.where(g.integers(0, 5, shape) > 0, np.float32(0), normal) * g.choice([-1, 1], shape)
    sparse[3] = sparse[:, 16:][5] = 0
    near_max = np.ldexp(g.choice([4, 4.5, 5, 5.5, 6], shape), g.integers(-3, 1, (rows, 1)))
    few = np.ldexp(g.integers(-23, 24, shape) * (g.integers(0, 5, shape) > 2), -g.integers(4, 12, shape))  # noqa: PLR2004 -- two in five
    return [
        Case("normal", normal),
        Case("bfloat16", normal.astype(ml_dtypes.bfloat16).astype(np.float32)),
        Case("heavy tails", heavy.astype(np.float32)),
        Case("coarse", coarse),
        Case("coarse, amax 4.5", coarse, {"amax": np.float32(4.5)}),
        Case("sparse and coarse", few.astype(np.float32), {"amax": np.float32(7)}),
        Case("sparse with signed zeros", sparse.astype(np.float32)),
        Case("near the block maximum", near_max.astype(np.float32)),
    ]


def patterned(g: np.random.Generator, shape: Shape) -> list[Case]:
    """Return bit patterns: exponents crossed with significands, and ties of both grids with neighbours."""
    near, on_e4m3 = together(g, shape), e4m3_ties(g, shape)
    return [
        Case("patterns over the whole range", whole_range(g, shape)),
        Case("patterns together", near),
        Case("patterns together, amax given", near, {"amax": np.float32(3)}),
        Case("patterns together, amax of patterns", together(g, shape), {"amax": crossed_amax(g)}),
        Case("E2M1 ties", e2m1_ties(g, shape), {"tensor_scale": 1.0}),
        Case("E4M3 ties", on_e4m3, {"tensor_scale": 1.0}),
        Case("E4M3 ties, D tiny", on_e4m3 * np.float32(2.0**-100), {"tensor_scale": 2.0**-100}),
    ]


def other_formats(g: np.random.Generator, shape: Shape) -> list[Case]:
    """Return ties of the element formats beside E2M1, and of subnormal block scales."""
    return [
        Case("ties of other grids", ties_of_other_grids(g, shape), {"tensor_scale": 1.0}),
        Case("ties of subnormal scales", subnormal_scale_ties(g, shape), {"tensor_scale": 1.0}),
    ]


def extreme(g: np.random.Generator, shape: Shape) -> list[Case]:
    """Return the ends: subnormal scales, tiny, huge and zero amax, a caller's amax that does not fit."""
    small = np.ldexp(normalised(g, shape) * g.uniform(0.5, 1, shape), per_block(g, -20, -9, shape))
    normal = g.standard_normal(shape)
    far = np.ldexp(normal, -g.integers(0, 24, (shape[0], 1)))
    found = [
        ("subnormal block scales", small, 1),
        ("subnormal block scales, M odd", small, 1.75),
        ("subnormal inputs", np.ldexp(far, -136), None),
        ("amax where C/A overflows", np.ldexp(far, -119), None),
        ("squares underflow", np.ldexp(far, -60), None),
        ("scaled values around 2**127", np.ldexp(normal, 16), 2.0**-110),
        ("huge", normalised(g, shape) * np.float32(3.4e38), None),
        ("amax far too small", normal, 2.0**-9),
        ("amax far too large", normal, 3.4e38),
        ("amax zero", normal, 0),
        ("amax subnormal", normal, 1e-45),
        ("signed zeros only", np.copysign(0.0, normal), None),
    ]
    return [
        Case(name, x.astype(np.float32), {} if amax is None else {"amax": np.float32(amax)})
        for name, x, amax in found
    ]


def nonfinite(g: np.random.Generator, shape: Shape) -> list[Case]:
    """Return NaN and infinities, for the recipes that let them through."""
    x = g.standard_normal(shape).astype(np.float32)
    infinite, poisoned = x.copy(), x.copy()
    infinite[2, 3], infinite[5, 20] = np.inf, -np.inf
    poisoned[1, 1], poisoned[8, 30], poisoned[8, 31] = np.nan, -np.nan, np.inf
    given = {"amax": np.float32(2)}
    return [
        Case("infinity", infinite, finite=False),
        Case("NaN", poisoned, finite=False),
        Case("infinity, amax given", infinite, given, finite=False),
        Case("NaN, amax given", poisoned, given, finite=False),
    ]


def short(g: np.random.Generator, shape: Shape) -> list[Case]:
    """Return 16-bit inputs: usual, odd and extreme sizes."""
    return [c for dtype in SHORT for c in _short(g, shape, dtype)]


def _short(g: np.random.Generator, shape: Shape, dtype: np.dtype[Any]) -> list[Case]:
    found = []
    for k in (0, 5, -13, -20) if dtype == np.float16 else (0, -3, 60, -120, -127):
        x = np.ldexp(normalised(g, shape) * g.uniform(1, 2, (shape[0], 2)).repeat(16, axis=1), k)
        found.append(Case(f"{dtype.name} around 2**{k}", x.astype(dtype)))
    x = g.standard_normal(shape).astype(dtype)
    found.append(Case(f"{dtype.name}, amax given", x, {"amax": np.float32(5.03125)}))
    poisoned = x.copy()
    poisoned[1, 1], poisoned[8, 30] = np.nan, np.inf
    found.append(Case(f"{dtype.name} with NaN and infinity", poisoned, finite=False))
    found.append(Case(f"{dtype.name} zeros", np.zeros(shape, dtype)))
    return found
