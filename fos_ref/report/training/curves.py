"""How the mean of many draws nears the truth: its error by the number of draws, and where that stops."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import log2, sqrt
from typing import NamedTuple

import numpy as np
import pandas as pd

from fos_ref.formats.arrays import F64
from fos_ref.inputs.distributions import make
from fos_ref.recipes.recipe import BLOCK
from fos_ref.report.training.cost import total
from fos_ref.report.training.plan import Done, Plan
from fos_ref.report.training.rounders import Prepared, ROUNDERS

DATA = "student-t5"
GROUPS = 16
SIGMAS = 3.1  #: standard errors that a floor has to stand above nothing: one false alarm in a thousand
_QUARTER = 4  #: the last slope is that of the last two doublings
_FIRST = 1  #: seed of the first draw


class Curves(NamedTuple):
    """Both tables."""

    errors: pd.DataFrame
    plateaus: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Curve:
    """One rounder: the error of the mean of B draws, and the estimate of what is left with endless ones."""

    errors: dict[int, float]
    floor: float
    floor_error: float


def counts(draws: int) -> list[int]:
    """Return 1, 2, 4, ... up to the number of draws."""
    return [1 << i for i in range(draws.bit_length()) if 1 << i <= draws]


def jobs(plan: Plan) -> list[str]:
    """Return the rounders that draw, once for each draw."""
    return [name for name in ROUNDERS for _ in range(plan.draws)]


def curves(plan: Plan, done: Done) -> Curves:
    """Return the error of means by rounder and number of draws, and a row for each rounder's plateau.

    Errors are squared, over the power. `floor` estimates without bias the error of the mean of endless draws,
    ||E q - x||^2 / ||x||^2, from products of the errors of different draws. `flattens` where it stands SIGMAS
    standard errors above nothing; the standard error is that of a rounder without a floor. `slope_last` is
    of the last two doublings on log-log axes: -1 without a floor, 0 at it. `done` is called for each draw.
    """
    x = make(DATA, plan.small, 0)
    values, power = x.astype(np.float64).reshape(-1, BLOCK), total(x.astype(np.float64) ** 2)
    errors, plateaus = [], []
    for name, rounder in ROUNDERS.items():
        prepared = rounder.prepare(x)
        found = curve(prepared, values, plan.draws, done)
        errors += [{"rounder": name, "draws": b, "error": e / power} for b, e in found.errors.items()]
        plateaus.append({"rounder": name, **_plateau(found, power), **_known(prepared, values, power)})
    return Curves(pd.DataFrame(errors), pd.DataFrame(plateaus))


def curve(prepared: Prepared, x: F64, draws: int, done: Done) -> Curve:
    """Draw, and add up: draw i of the seed 1 + i belongs to group i mod 16."""
    groups = [np.zeros(x.shape) for _ in range(GROUPS)]
    running, errors, points = np.zeros(x.shape), {}, counts(draws)
    for i in range(draws):
        off = prepared.draw_back(_FIRST + i) - x
        running += off
        groups[i % GROUPS] += off
        if i + 1 in points:
            errors[i + 1] = total((running / (i + 1)) ** 2)
        done()
    return Curve(errors, *_floor([g / (draws / GROUPS) for g in groups]))


def _floor(means: list[F64]) -> tuple[float, float]:
    """Return the mean of <g, h> over pairs of group means, and its standard error where there is no floor."""
    products = [total(g * h) for g, h in combinations(means, 2)]
    n = len(products)
    return total(np.array(products)) / n, sqrt(total(np.array(products) ** 2)) / n


def _plateau(found: Curve, power: float) -> dict[str, object]:
    draws = max(found.errors)
    last, before = found.errors[draws], found.errors[draws // _QUARTER]
    floor, error = found.floor / power, found.floor_error / power
    return {
        "one_draw": found.errors[1] / power,
        "draws": draws,
        "last": last / power,
        "slope_last": log2(last / before) / log2(_QUARTER),
        "floor": floor,
        "floor_error": error,
        "flattens": "yes" if floor > SIGMAS * error else "no",
    }


def _known(prepared: Prepared, x: F64, power: float) -> dict[str, float]:
    """Return the exact floor where the expectation is known."""
    if prepared.exact is None:
        return {"floor_exact": float("nan")}
    return {"floor_exact": total((prepared.exact[0] - x) ** 2) / power}
