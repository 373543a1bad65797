"""Own recipes on own inputs, as one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from fos_ref.arguments import sizes, whole
from fos_ref.engines.front import dequantize, quantize
from fos_ref.errors import InputError, ShapeError
from fos_ref.exactness.sums import Sums
from fos_ref.foreign import shown
from fos_ref.formats.arrays import AnyArray
from fos_ref.recipes import Recipe, recipe
from fos_ref.recipes.recipe import BLOCK
from fos_ref.report.lineup import BASELINE, FULL, Plan
from fos_ref.report.metrics import sums_of
from fos_ref.report.own.inputs import Input, inputs_of
from fos_ref.report.own.spread import over_draws, over_parts

PARTS = 8  #: groups of rows that a single tensor is cut into for its interval
_MOST_SEEDS = 1 << 16
Found = dict[str, list[Sums]]  #: recipe -> the sums of each part


def table(
    recipes: Any,
    inputs: Any,
    *,
    seeds: int = FULL.seeds,
    shape: tuple[int, int] = FULL.shape,
    engine: str = "auto",
) -> pd.DataFrame:
    """Return what each recipe costs on each input: the report's metrics, with 95 % intervals.

    recipes:  preset names, paths of a recipe's .json, `Recipe` values; one or a sequence
    inputs:   one, a sequence, or {label: input}. An input is the name of a distribution, "MODULE:FUNCTION"
              or a function of (shape, seed), the path of a .npy or .safetensors file, or an array (..., C)
    seeds:    draws of a distribution or function, at least 1; `shape` (R, C), C a multiple of 16, is theirs
    engine:   as in `fos_ref.quantize`: the bits are the same
    Shapes:   leading axes are flattened. A last 16x16 tile that rows do not fill is filled with zeros, which
              are not measured.
    Dtypes:   float32, float16, bfloat16 -> a DataFrame with a row for each (input, recipe): input, recipe,
              mse_e3, mse_ratio (to plain NVFP4), mae_pct, max_pct, sqnr_db, share4_pct, each with
              `<metric>_ci`; parts (how many stand behind the interval) and of: "draws", "tensors" or "rows"
    Rounding: values as `dequantize(quantize(x, recipe))`, one tensor amax a tensor; differences and sums in
              float64. Of a distribution the figure is the mean over draws, its interval Student's t. Of a
              file or array it is that of all values together; its interval leaves out each tensor in turn
              or, of a single one, each of up to 8 groups of rows (fos_ref/report/own/spread.py).
    Specials: an interval is NaN where there is one part, or where the metric is a maximum over parts. Of a
              file, a tensor that cannot be measured (another dtype or shape, not finite, all 0) is left
              out; an array is refused for the same.
    Raises:   RecipeError, InputError (also for recipes that take random bits), ShapeError, DtypeError,
              OSError, ToolchainError.
    Source:   fos_ref/report/metrics.py has the formulas.
    """
    return measured(recipes_of(recipes), inputs_of(inputs), _plan(seeds, shape), engine)


def recipes_of(given: Any) -> dict[str, Recipe]:
    """Return recipes by name. Raises: RecipeError; InputError for random bits, and for a name twice."""
    several = issubclass(type(given), Sequence) and not issubclass(type(given), str)
    found = [recipe(r) for r in (given if several else [given])]
    names = [r.name for r in found]
    drawn = next((r.name for r in found if r.stochastic), None)
    twice = next((n for n in names if names.count(n) > 1), None)
    if not found or drawn is not None or twice is not None:
        what = "no recipe" if not found else f"recipe {drawn!r} takes random bits"
        what = f"recipe {twice!r} is given twice" if twice is not None else what
        msg = f"{what}: recipes without random bits, each once, are allowed"
        raise InputError(msg)
    return dict(zip(names, found, strict=True))


def _plan(seeds: Any, shape: Any) -> Plan:
    rows, cols = sizes(shape, "shape", 1)
    if cols % BLOCK:
        msg = f"shape ({rows}, {cols}): rows, and columns in whole blocks of {BLOCK}, are allowed"
        raise ShapeError(msg)
    return Plan(whole(seeds, "seeds", 1, _MOST_SEEDS), (rows, cols))


def measured(
    recipes: Mapping[str, Recipe],
    inputs: Sequence[Input],
    plan: Plan,
    engine: str,
    done: Callable[[], None] = lambda: None,
) -> pd.DataFrame:
    """Return the table; `done` is called after each input."""
    rows: list[dict[str, object]] = []
    for i in inputs:
        found, of = _measure(i, {BASELINE: recipe(BASELINE), **recipes}, plan, engine)
        base = found[BASELINE]
        for name in recipes:
            pairs = list(zip(found[name], base, strict=True))
            figures = over_draws(pairs) if i.drawn else over_parts(pairs)
            rows.append({"input": i.label, "recipe": name, **figures, "parts": len(base), "of": of})
        done()
    return pd.DataFrame(rows)


def _measure(i: Input, recipes: Mapping[str, Recipe], plan: Plan, engine: str) -> tuple[Found, str]:
    """Return the sums of each part, and what the parts are."""
    found: Found = {name: [] for name in recipes}
    tensors = 0
    for name, x in i.tensors(plan):
        tensors += 1
        alone = not i.drawn and tensors == 1
        for key, parts in _sums(
            name, x, recipes, engine, _groups(len(x)) if alone else [slice(None)]
        ).items():
            found[key] = parts if alone else [*_tensors(found[key], tensors - 1), *parts]
    if not tensors:
        why = ", ".join(dict.fromkeys(i.left.values()))
        msg = f"input {shown(i.label)}: no tensor can be measured: {why}"
        raise InputError(msg)
    return found, "draws" if i.drawn else "tensors" if tensors > 1 else "rows"


def _tensors(parts: list[Sums], count: int) -> list[Sums]:
    """Return the sums by tensor: while there was one, they were by groups of its rows."""
    return [sum(parts, Sums())] if count == 1 else parts


def _groups(rows: int) -> list[slice]:
    """Return up to PARTS groups of whole tiles of rows, alike in size; one for few rows."""
    tiles = -(-rows // BLOCK)
    count = min(PARTS, tiles)
    edges = [BLOCK * (tiles * k // count) for k in range(count)] + [rows]
    return [slice(a, b) for a, b in pairwise(edges)]


def _sums(
    name: str, x: AnyArray, recipes: Mapping[str, Recipe], engine: str, parts: Sequence[slice]
) -> Found:
    """Return the sums of the parts of a tensor, quantized whole, for each recipe."""
    wide = x.astype(np.float64)
    amax = np.float32(np.max(np.abs(wide)))
    found: Found = {}
    for key, r in recipes.items():
        if x.shape[1] % r.block_cols:
            allowed = f"a multiple of {r.block_cols} is allowed by recipe {key!r}"
            msg = f"{shown(name)}: {x.shape[1]} columns: {allowed}"
            raise ShapeError(msg)
        q = quantize(x, r, engine=engine, padding="zero")
        assert q.picked4 is not None
        values = dequantize(q).astype(np.float64)
        found[key] = [sums_of(values[p], wide[p], q.picked4[: len(x)][p], amax) for p in parts]
    return found
