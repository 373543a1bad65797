"""Which preparation of q, k and v lets outputs see tokens that come later, and which outputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fos_ref.attention import LeakReport, leaks, SCHEMES
from fos_ref.formats.arrays import Bool
from fos_ref.report.products.plan import Done, Plan

NAMES = ("q", "k", "v")
_SEED, _WIDTH = 3, 16


@dataclass(frozen=True, slots=True, eq=False)
class Leaks:
    """The table, and of each scheme the matrix (T, T): True at (i, j) where output i depends on token j."""

    table: pd.DataFrame
    matrices: dict[str, Bool]


def jobs() -> list[str]:
    """Return the schemes."""
    return list(SCHEMES)


def leak_table(plan: Plan, done: Done) -> Leaks:
    """Search every scheme, every token, on normal data; `done` is called after each of `jobs()`."""
    rng = np.random.default_rng(_SEED)
    q, k, v = (rng.normal(size=(plan.tokens, _WIDTH)).astype(np.float32) for _ in range(3))
    rows, matrices = [], {}
    for name in jobs():
        found = leaks(SCHEMES[name], q, k, v)
        rows.append({"scheme": name, **_row(found)})
        matrices[name] = np.logical_or.reduce(list(found.by_tensor.values()))
        done()
    return Leaks(pd.DataFrame(rows), matrices)


def _row(found: LeakReport) -> dict[str, object]:
    return {
        "leak": found.kind or "none",
        **{f"pairs_{name}": int(found.by_tensor[name].sum()) for name in NAMES},
        "reach": found.reach,
        "block": found.period or 0,
        "largest": found.largest,
    }
