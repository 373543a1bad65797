"""Every recipe of the line-up on every distribution, over seeds."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pandas as pd

from fos_ref.engines.registry import get_engine
from fos_ref.engines.stream import in_order, workers
from fos_ref.report.interval import half_width
from fos_ref.report.lineup import BASELINE, LINEUP, Plan, RECIPES
from fos_ref.report.metrics import figures, in_chunks, measure, METRICS, tensor_amax
from fos_ref.verify.distributions import make, STATISTICAL

Job = tuple[str, int]  #: distribution, seed
Done = Callable[[], None]
Row = dict[str, object]


def jobs(plan: Plan) -> list[Job]:
    """Return what has to be measured, in the order of the report."""
    return list(product(STATISTICAL, range(plan.seeds)))


def sweep(plan: Plan, engine: str, done: Done) -> pd.DataFrame:
    """Return the mean of every metric and the half-width of its 95 % interval over the plan's seeds.

    A row for each (distribution, recipe), columns METRICS and `<metric>_ci`. `done` is called after each job.
    The result depends neither on the engine (all give the same bits) nor on the number of threads (each
    tensor is measured by one of them, and the results come in order).
    """
    rows: list[Row] = []
    for measured in in_order(lambda job: _measure_job(job, plan, engine), jobs(plan), threads(engine)):
        rows += measured
        done()
    return _summary(pd.DataFrame(rows))


def threads(engine: str) -> int:
    """Return how many tensors to measure at once: one, if an engine of the line-up has threads of its own."""
    return min(workers(get_engine(engine, e.recipe, 0)) for e in LINEUP)


def _measure_job(job: Job, plan: Plan, engine: str) -> list[Row]:
    distribution, seed = job
    chunks = in_chunks(make(distribution, plan.shape, seed))
    sums = measure(chunks, tensor_amax(chunks), RECIPES, engine)
    return [
        {"distribution": distribution, "recipe": preset, **figures(s, sums[BASELINE])}
        for preset, s in sums.items()
    ]


def _summary(rows: pd.DataFrame) -> pd.DataFrame:
    groups = rows.groupby(["distribution", "recipe"], sort=False)
    columns = {}
    for metric in METRICS:
        columns[metric] = groups[metric].mean()
        columns[f"{metric}_ci"] = groups[metric].agg(half_width)
    return pd.DataFrame(columns).reset_index()
