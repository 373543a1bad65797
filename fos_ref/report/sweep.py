"""Every recipe of a line-up on every distribution, over seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product

import pandas as pd

from fos_ref.engines.registry import get_engine, load_engine, say_degraded
from fos_ref.engines.stream import alone, Compiled, in_order, workers
from fos_ref.errors import ToolchainError
from fos_ref.inputs.distributions import make, STATISTICAL
from fos_ref.recipes import Recipe
from fos_ref.report.family.members import RECIPES as FAMILY
from fos_ref.report.interval import half_width
from fos_ref.report.lineup import BASELINE, Plan, RECIPES
from fos_ref.report.metrics import figures, in_chunks, measure, METRICS, tensor_amax

Job = tuple[str, int]  #: distribution, seed
Done = Callable[[], None]
Row = dict[str, object]
ALL = (*RECIPES.values(), *FAMILY.values())  #: what the chosen engine measures
#: Up to here the NumPy engine takes a second or two: not worth loading a compiler.
LITTLE = 1 << 26
#: From here on compiling pays for itself within the one report, even on two cores.
MUCH = 1 << 32


def values(plan: Plan) -> int:
    """Return how many values a recipe is measured on."""
    return len(jobs(plan)) * plan.shape[0] * plan.shape[1]


def jobs(plan: Plan) -> list[Job]:
    """Return what has to be measured, in the order of the report."""
    return list(product(STATISTICAL, range(plan.seeds)))


def settled(engine: str, plan: Plan, weights: int = 0) -> str:
    """Return the engine that the whole report uses, its own choice for "auto"; the bits are the same.

    The compiled engine saves a report of the usual size about as much as compiling it once costs: it is taken
    where its code is cached, or where there is much to measure (`weights` values besides the plan).
    """
    work = values(plan) * len(RECIPES) + values(plan.family) * len(FAMILY) + weights * len(RECIPES)
    if engine != "auto" or work < LITTLE:
        return "numpy" if engine == "auto" else engine
    try:
        compiled = load_engine("numba")
    except ToolchainError as e:
        say_degraded(e)
        return "numpy"
    refused = any(compiled.refuses(r) for r in ALL)
    cached = isinstance(compiled, Compiled) and compiled.is_compiled()
    return "numba" if not refused and (cached or work >= MUCH) else "numpy"


def sweep(plan: Plan, engine: str, done: Done, recipes: Mapping[str, Recipe] = RECIPES) -> pd.DataFrame:
    """Return the mean of every metric and the half-width of its 95 % interval over the plan's seeds.

    `recipes` by the names they have in the table; one is plain NVFP4, which the ratio is to.
    A row for each (distribution, recipe), columns METRICS and `<metric>_ci`. `done` is called after each job.
    The result depends neither on the engine (all give the same bits) nor on the number of threads (each
    tensor is measured by one of them, and the results come in order).
    """
    rows: list[Row] = []
    for measured in in_order(
        lambda job: _measure_job(job, plan, engine, recipes), jobs(plan), threads(engine), first(engine)
    ):
        rows += measured
        done()
    return summary(pd.DataFrame(rows))


def threads(engine: str) -> int:
    """Return how many tensors to measure at once: one, if an engine of the line-up has threads of its own."""
    return min(workers(get_engine(engine, r, 0)) for r in ALL)


def first(engine: str) -> Callable[[], None] | None:
    """Return what each of these threads calls first."""
    return alone(get_engine(engine, RECIPES[BASELINE], 0))


def when_compiling(engine: str, say: Callable[[], None]) -> None:
    """Call `say` if the engine has to be compiled first."""
    chosen = get_engine(engine, RECIPES[BASELINE], 0)
    if isinstance(chosen, Compiled):
        chosen.when_compiling(say)


def _measure_job(job: Job, plan: Plan, engine: str, recipes: Mapping[str, Recipe]) -> list[Row]:
    distribution, seed = job
    chunks = in_chunks(make(distribution, plan.shape, seed))
    sums = measure(chunks, tensor_amax(chunks), recipes, engine)
    return [
        {"distribution": distribution, "recipe": preset, **figures(s, sums[BASELINE])}
        for preset, s in sums.items()
    ]


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Return each metric's mean and interval over the seeds, a row for each (distribution, recipe)."""
    groups = rows.groupby(["distribution", "recipe"], sort=False)
    columns = {}
    for metric in METRICS:
        columns[metric] = groups[metric].mean()
        columns[f"{metric}_ci"] = groups[metric].agg(half_width)
    return pd.DataFrame(columns).reset_index()
