"""The tables of pretraining: a row for each run, for each paired gap, for each replayed layer."""

from __future__ import annotations

from math import isfinite, nan, sqrt
from statistics import stdev
from typing import Any

import pandas as pd

from fos_ref.pretrain.arms import BASELINE
from fos_ref.pretrain.results import Gap, gaps, Results
from fos_ref.report.interval import half_width

AGAINST = (BASELINE, "nvidia")  #: what every arm is compared with
_POWER, _LEVEL = 0.84, 1.96  #: of the normal distribution: 80 % power at 5 %


def runs(results: Results) -> pd.DataFrame:
    """Return a row for each run: losses in nats a token; `above_floor` over the language's entropy."""
    rows = []
    for r in results.runs:
        floor = r["floor"]
        above = "" if floor is None else r["held_out"] - floor
        row = {k: r[k] for k in ("model", "arm", "seed", "held_out", "train")}
        rows.append({**row, "above_floor": above, "steps": r["steps"], "seconds": round(r["seconds"], 1)})
    return pd.DataFrame(rows)


def paired(results: Results) -> pd.DataFrame:
    """Return a row for each arm and baseline: mean difference of held-out losses and its 95 % t-interval.

    `seeds_needed` is (2.8 sd / gap)^2 for the gap that was seen: about what a test of 5 % needs to find it
    four times in five. With one seed there is no interval.
    """
    found = [g for base in AGAINST for g in gaps(results.runs, base)]
    return pd.DataFrame([_row(g) for g in found])


def _row(g: Gap) -> dict[str, Any]:
    row: dict[str, Any] = {"model": g.model, "arm": g.arm, "against": g.against, "seeds": len(g.seeds)}
    row["gap"] = g.mean
    if len(g.seeds) > 1:
        told = all(map(isfinite, g.differences))  # a run that diverged has no spread
        sd, half = (stdev(g.differences), half_width(g.differences)) if told else (nan, nan)
        times = (_POWER + _LEVEL) * sd / g.mean if g.mean else float("inf")
        needed = times * times
        row |= {"half_width": half, "sd": sd, "differs": abs(g.mean) > half}
        row |= {"standard_error": sd / sqrt(len(g.seeds)), "seeds_needed": needed}
    values = zip(g.seeds, g.differences, strict=True)
    return row | {"each": "; ".join(f"{seed}: {d:+.5f}" for seed, d in values)}


def replays(results: Results) -> pd.DataFrame:
    """Return a row for each replayed layer, and one for each run that was made again from a checkpoint."""
    rows: list[dict[str, Any]] = [{"what": "replay", **r} for r in results.replays]
    for r in results.restarts:
        name = f"{r['model']}-{r['arm']}-{r['seed']}"
        row = {"what": "restart", "run": name, "step": r["stopped_after"], "layer": ""}
        rows.append({**row, "losses": r["losses"], "differing": r["differing"]})
    return pd.DataFrame(rows)
