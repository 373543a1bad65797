"""The errors of every format of the family, by distribution."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fos_ref.report.family.members import BY_PRESET, RECIPES
from fos_ref.report.lineup import Plan
from fos_ref.report.sweep import Done, Job, sweep
from fos_ref.report.sweep import jobs as sweep_jobs

METRICS = ("mse_e3", "mse_ratio", "sqnr_db")
INT_SHARE = "share_int_pct"  #: blocks of integer elements, %; none where no block may be
_SHARE = "share4_pct"


def jobs(plan: Plan) -> list[Job]:
    """Return what has to be measured."""
    return sweep_jobs(plan.family)


def family_errors(plan: Plan, engine: str, done: Done) -> pd.DataFrame:
    """Return a row for each (distribution, format): bits a value, METRICS, INT_SHARE, each with its interval.

    The ratio is to plain NVFP4 on the same tensors, which are those of the errors by distribution. `done` is
    called after each of `jobs(plan)`.
    """
    table = sweep(plan.family, engine, done, RECIPES)
    mixes = table["recipe"].map(lambda name: BY_PRESET[name].mixes)
    columns = {"distribution": table["distribution"], "recipe": table["recipe"]}
    columns["bits"] = table["recipe"].map(lambda name: BY_PRESET[name].bits)
    for metric in METRICS:
        columns |= {k: table[k] for k in (metric, f"{metric}_ci")}
    columns |= {f"{INT_SHARE}{tail}": table[f"{_SHARE}{tail}"].where(mixes, np.nan) for tail in ("", "_ci")}
    return pd.DataFrame(columns)
