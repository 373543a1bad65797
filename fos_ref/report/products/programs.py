"""How many outputs of two programs have other bits, for every pair of programs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fos_ref.formats.arrays import AnyArray
from fos_ref.matmul import MODELS, run
from fos_ref.report.products.plan import Done, operands_of, Plan

LENGTH = 1024
DATA = ("normal", "blocks lognormal(3)")  #: every accumulator is exact on the first, hardly one on the second
DTYPES = ("float32", "bfloat16")
_SIDE = 16  #: rows of a tensor


def jobs(plan: Plan) -> list[tuple[str, int]]:
    """Return data and seed of the tensors whose products are compared."""
    return [(data, seed) for data in DATA for seed in range(plan.pairs)]


def disagreements(plan: Plan, done: Done) -> pd.DataFrame:
    """Return a row for each (data, dtype of the output, program, program): outputs that differ, %.

    The outputs are those of `plan.pairs` pairs of tensors, so of as many alphas. `done` is called after each
    of `jobs(plan)`.
    """
    found: dict[tuple[str, str, str], list[AnyArray]] = {}
    for data, seed in jobs(plan):
        a, b = operands_of(data, LENGTH, _SIDE, 100 + seed)
        for dtype in DTYPES:
            for name in MODELS:
                found.setdefault((data, dtype, name), []).append(run(a, b, name, dtype))
        done()
    whole = {key: np.concatenate(parts, axis=None) for key, parts in found.items()}
    return pd.DataFrame(
        {
            "data": data,
            "out": dtype,
            "program": left,
            "other": right,
            "differ_pct": _differ(whole[data, dtype, left], whole[data, dtype, right]),
        }
        for data in DATA
        for dtype in DTYPES
        for left in MODELS
        for right in MODELS
    )


def _differ(x: AnyArray, y: AnyArray) -> float:
    """Return how many outputs differ in a bit, %; a NaN is like a NaN."""
    same = (x == y) | ((x != x) & (y != y))  # noqa: PLR0124
    return 100 * float(np.mean(~np.asarray(same)))
