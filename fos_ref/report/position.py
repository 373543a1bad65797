"""Where in a block 4/6 gains and loses: error by |x| / block amax, on N(0, 1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fos_ref.engines.front import trace
from fos_ref.formats.arrays import F64, I64
from fos_ref.inputs.distributions import make
from fos_ref.model.dequantize import DEQUANTIZE
from fos_ref.model.trace import Candidate, Trace
from fos_ref.report.lineup import METHOD, Plan

DISTRIBUTION = "normal"
BINS = 128
CURVES = ("map6", "map4", "chosen")
_ROWS = 64  #: rows traced at a time: a trace keeps every intermediate


@dataclass(slots=True)
class Histogram:
    """Per bin of position: how many values, and the sum of e^2 and of (e / block amax)^2 for each curve.

    The last bin holds the block's largest value itself, position exactly 1.
    """

    count: F64
    squared: dict[str, F64]
    relative: dict[str, F64]
    power: float = 0.0


def profile(plan: Plan) -> pd.DataFrame:
    """Return a row for each bin of position, for map-to-6, map-to-4 and the one that 4/6 keeps.

    `mse_*` is the mean of (e / block amax)^2 at that position, `part_*` the bin's part of MSE / power; both
    x 1e-3. The parts of a curve add up to its MSE / power.
    """
    h = Histogram(
        count=np.zeros(BINS + 1),
        squared={c: np.zeros(BINS + 1) for c in CURVES},
        relative={c: np.zeros(BINS + 1) for c in CURVES},
    )
    for seed in range(plan.seeds):
        x = make(DISTRIBUTION, plan.shape, seed)
        amax = np.max(np.abs(x))
        for i in range(0, x.shape[0], _ROWS):
            _add(h, trace(x[i : i + _ROWS], METHOD, amax=amax))
    return _frame(h)


def _add(h: Histogram, t: Trace) -> None:
    assert t.map6 is not None
    assert t.map4 is not None
    x = t.x.astype(np.float64)
    amax = t.block_amax.astype(np.float64)[..., None]
    place = np.abs(x) / amax
    bins = np.minimum((place * BINS).astype(np.int64), BINS - 1)
    bins[place == 1] = BINS
    errors = {"map6": _values(t, t.map6) - x, "map4": _values(t, t.map4) - x}
    errors["chosen"] = np.where(t.picked4[..., None], errors["map4"], errors["map6"])
    h.count += np.bincount(bins.ravel(), minlength=BINS + 1)
    h.power += float(np.sum(x * x))
    for curve, e in errors.items():
        h.squared[curve] += _binned(bins, e * e)
        h.relative[curve] += _binned(bins, (e / amax) ** 2)


def _binned(bins: I64, weights: F64) -> F64:
    sums: F64 = np.bincount(bins.ravel(), weights=weights.ravel(), minlength=BINS + 1).astype(np.float64)
    return sums


def _values(t: Trace, c: Candidate) -> F64:
    """Return what a candidate dequantizes to, widened."""
    step = DEQUANTIZE[t.recipe.dequantize]
    q = c.values  # noqa: PD011 -- not a table
    y = step(q, c.scale[..., None], t.scales.per_element())
    return y.astype(np.float64)


def _frame(h: Histogram) -> pd.DataFrame:
    edges = np.arange(BINS + 1) / BINS
    columns = {"from": edges, "to": np.append(edges[1:], 1.0), "values": h.count.astype(np.int64)}
    filled = np.maximum(h.count, 1)
    columns |= {f"mse_{c}": 1e3 * h.relative[c] / filled for c in CURVES}
    columns |= {f"part_{c}": 1e3 * h.squared[c] / h.power for c in CURVES}
    return pd.DataFrame(columns)
