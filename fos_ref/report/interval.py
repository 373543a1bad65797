"""Confidence intervals over seeds: Student's t, without a statistics library."""

from __future__ import annotations

import math
from collections.abc import Sequence

_CONFIDENCE = 0.95
_BISECTIONS = 80


def half_width(values: Sequence[float]) -> float:
    """Return t * s / sqrt(n): the mean of `values` plus or minus this is the 95 % confidence interval.

    Raises ValueError for fewer than two values: one seed says nothing about the spread.
    """
    n = len(values)
    if n < 2:  # noqa: PLR2004 -- a spread needs two
        msg = f"a confidence interval over {n} value(s): at least 2 are needed"
        raise ValueError(msg)
    mean = math.fsum(values) / n
    variance = math.fsum((v - mean) ** 2 for v in values) / (n - 1)
    return t_quantile(n - 1) * math.sqrt(variance / n)


def t_quantile(dof: int) -> float:
    """Return t with P(|T| < t) = 0.95 for `dof` degrees of freedom, by bisection on the angle."""
    low, high = 0.0, math.pi / 2
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if _central(middle, dof) < _CONFIDENCE else (low, middle)
    return math.sqrt(dof) * math.tan(low)


def _central(angle: float, dof: int) -> float:
    """Return P(|T| < sqrt(dof) * tan(angle)): a finite series (Abramowitz and Stegun 26.7.3)."""
    c, odd = math.cos(angle), dof % 2
    term, total = (c, 0.0) if odd else (1.0, 0.0)
    for k in range(1 + odd, dof, 2):
        total += term
        term *= c * c * k / (k + 1)
    if odd:
        return 2 / math.pi * (angle + math.sin(angle) * total)
    return math.sin(angle) * total
