"""Confidence intervals over seeds: Student's t.

Importing scipy.stats takes about half a second: only what makes the report imports this module.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

_CONFIDENCE = 0.95


def half_width(values: Sequence[float]) -> float:
    """Return t * s / sqrt(n): the mean of `values` plus or minus this is the 95 % confidence interval.

    An infinite value (the SQNR of an exact result) has none: NaN.
    Raises ValueError for fewer than two values: one seed says nothing about the spread.
    """
    n = len(values)
    if n < 2:  # noqa: PLR2004 -- a spread needs two
        msg = f"a confidence interval over {n} value(s): at least 2 are needed"
        raise ValueError(msg)
    with np.errstate(invalid="ignore"):  # infinity minus infinity
        error = float(stats.sem(values))
    return t_quantile(n - 1) * error


def t_quantile(dof: int) -> float:
    """Return t with P(|T| < t) = 0.95 for `dof` degrees of freedom."""
    return float(stats.t.ppf((1 + _CONFIDENCE) / 2, dof))
