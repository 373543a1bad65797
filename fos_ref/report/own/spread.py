"""Intervals: over draws by Student's t, over the parts of one thing by leaving each out in turn."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from fos_ref.exactness.sums import Sums
from fos_ref.report.interval import half_width, t_quantile
from fos_ref.report.metrics import figures, METRICS

MAXIMA = ("max_pct",)  #: a largest value has no interval that leaving one out would give
Row = dict[str, float]


def over_draws(draws: Sequence[tuple[Sums, Sums]]) -> Row:
    """Return each metric's mean over draws and `<metric>_ci`, the half-width of its 95 % interval.

    draws: of each the sums of the recipe and those of plain NVFP4; NaN for an interval over one draw
    """
    each = [figures(s, base) for s, base in draws]
    row: Row = {}
    for metric in METRICS:
        values = [e[metric] for e in each]
        row[metric] = float(np.mean(values))
        row[f"{metric}_ci"] = half_width(values) if len(values) > 1 else math.nan
    return row


def over_parts(parts: Sequence[tuple[Sums, Sums]]) -> Row:
    """Return the metrics of the whole and `<metric>_ci` by the jackknife.

    Each metric is a ratio of sums over n parts. With one part left out in turn its values are v_i; the
    interval is t(n - 1) * sqrt((n - 1) / n * sum (v_i - mean v)^2). It says how much the figure would move
    with other parts of the same kind. NaN for one part, for parts of which
    one has every value that is not 0, and for a largest value.
    """
    row: Row = dict(_of(parts))
    n = len(parts)
    rest = [[*parts[:i], *parts[i + 1 :]] for i in range(n)] if n > 1 else []
    whole = all(any(s.power for s, _ in r) for r in rest)  # else the others are all 0, which have no figure
    without = [_of(r) for r in rest] if whole else []
    for metric in METRICS:
        values = [w[metric] for w in without]
        row[f"{metric}_ci"] = math.nan if not values or metric in MAXIMA else _jackknife(values)
    return {k: row[k] for m in METRICS for k in (m, f"{m}_ci")}


def _jackknife(values: Sequence[float]) -> float:
    n = len(values)
    with np.errstate(invalid="ignore"):  # an exact result has an infinite SQNR: no interval
        variance = (n - 1) / n * float(np.sum((np.array(values) - np.mean(values)) ** 2))
    return t_quantile(n - 1) * math.sqrt(variance) if math.isfinite(variance) else math.nan


def _of(parts: Sequence[tuple[Sums, Sums]]) -> Row:
    return figures(sum((s for s, _ in parts), Sums()), sum((b for _, b in parts), Sums()))
