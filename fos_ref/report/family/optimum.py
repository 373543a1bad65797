"""How far 4/6 is from the best block scales: rules beside the optimum, on the same smaller tensors."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from fos_ref.engines.stream import in_order
from fos_ref.exactness.least import least_squared
from fos_ref.formats.arrays import F64
from fos_ref.inputs.distributions import make
from fos_ref.recipes import Recipe, recipe
from fos_ref.report.lineup import BASELINE, METHOD, Plan
from fos_ref.report.metrics import figures, measure_whole
from fos_ref.report.sweep import Done, first, Job, Row, summary, threads
from fos_ref.report.sweep import jobs as sweep_jobs

ENGINE = "numpy"  #: the one that has every search
METRICS = ("mse_e3", "mse_ratio")
GAP = "gap_pct"  #: of the way from plain NVFP4 to the smaller of the two optima, %


@dataclass(frozen=True, slots=True)
class Rule:
    """A way to choose block scales: a preset's, or the best of all under a bound."""

    key: str  #: what the table calls it
    label: str
    meaning: str
    best_under: int | None = None

    @property
    def recipe(self) -> Recipe:
        """The preset."""
        return recipe(self.key)


RULES: tuple[Rule, ...] = (
    Rule(BASELINE, "NVFP4", "every block to 6, bound 448"),
    Rule(METHOD, "4/6", "the better of two scales, bound 256"),
    Rule("te-mse-448", "4/6, 448", "the same, bound 448"),
    Rule("razer-4over6", "RaZeR's 4/6", "the same, bound 448, ties of an element to the smaller magnitude"),
    Rule("auto-round-nvfp4-search", "auto-round", "102 factors from 0.50 to 1.51 on the amax, bound 448"),
    Rule(
        "llmcompressor-expanded-mse",
        "llm-compressor",
        "111 ranges from 1.8 down to 0.81, by errors to the power of 2.4 under scales that are not rounded",
    ),
    Rule("optimum-256", "optimum, 256", "the best of all 126 scales for each block, bound 256", 256),
    Rule("optimum-448", "optimum, 448", "the best of all 126 scales for each block, bound 448", 448),
)
OPTIMA = tuple(r.key for r in RULES if r.best_under)
_PRESETS = {r.key: r.recipe for r in RULES if not r.best_under}


def jobs(plan: Plan) -> list[Job]:
    """Return what has to be measured."""
    return sweep_jobs(plan.optimum)


def optimum_errors(plan: Plan, done: Done) -> pd.DataFrame:
    """Return a row for each (distribution, rule): METRICS with their intervals, and GAP.

    `done` is called after each of `jobs(plan)`.
    """
    rows: list[Row] = []
    for measured in in_order(
        lambda job: _measure(job, plan.optimum), jobs(plan), threads(ENGINE), first(ENGINE)
    ):
        rows += measured
        done()
    table = summary(pd.DataFrame(rows))
    columns = ["distribution", "recipe", *(f"{m}{tail}" for m in METRICS for tail in ("", "_ci"))]
    return table[columns].assign(**{GAP: _gap(table)})


def _measure(job: Job, plan: Plan) -> list[Row]:
    distribution, seed = job
    x = make(distribution, plan.shape, seed)
    amax = np.max(np.abs(x))
    sums = measure_whole(x, _PRESETS, ENGINE)
    plain = sums[BASELINE]
    for rule in RULES:
        if rule.best_under:
            squared = float(np.sum(least_squared(x, amax, rule.best_under)))
            sums[rule.key] = replace(plain, squared=squared)
    return [
        {"distribution": distribution, "recipe": rule.key, **figures(sums[rule.key], plain)} for rule in RULES
    ]


def _gap(table: pd.DataFrame) -> F64:
    """Return how much of the way from plain NVFP4 to the better optimum each rule goes, in %."""
    mse = table.pivot_table(index="distribution", columns="recipe", values="mse_e3", sort=False)
    best = mse[list(OPTIMA)].min(axis=1)
    plain, least = (s.reindex(table["distribution"]).to_numpy(np.float64) for s in (mse[BASELINE], best))
    gap: F64 = 100 * ((plain - table["mse_e3"].to_numpy(np.float64)) / (plain - least))
    return gap
