"""Stochastic rounding: scales right, every code one of its value's two neighbours, as often up as due.

The nearest code also goes up as often as it should, over all. So a second number is looked at: how many codes
are not the nearest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fos_ref.check.bench import Case
from fos_ref.check.evidence.codes import nearest_codes, parts, scaled
from fos_ref.check.flaws.flaw import Flaw
from fos_ref.check.outcomes.outcome import Outcome
from fos_ref.formats.arrays import F64, I64
from fos_ref.model.elements import code_values
from fos_ref.recipes.recipe import Recipe

FLAG = "StochasticRounding"
_FEW = 1 << 10  #: blocks that are looked at first
_LEAST_CODES = 40  #: that are not the nearest, for chance to be told from a rule
_SIGMAS = 6.0  #: from what is expected, at most
_BIAS = 0.01  #: of the values that may go up: a few random bits only


@dataclass(slots=True)
class _Tally:
    """Counts over values between two codes, with what is expected of fair chance."""

    ties: F64  #: by midpoint: went down, went up
    values: int = 0
    up: float = 0.0
    far: float = 0.0
    expected_up: float = 0.0
    expected_far: float = 0.0
    variance: float = 0.0

    @property
    def chance(self) -> float:
        """Codes that no rule gives: not the nearest, or of a midpoint that went the other way elsewhere."""
        return self.far + float(self.ties.min(axis=0).sum())

    def z(self, seen: float, expected: float) -> float:
        """Return how many standard deviations a count is from what is expected."""
        return float((seen - expected) / np.sqrt(max(self.variance, 1e-9)))

    def fair(self, seen: float, expected: float) -> bool:
        """Return whether a count may come of fair chance, or of a few random bits."""
        off = abs(seen - expected)
        return abs(self.z(seen, expected)) <= _SIGMAS or off <= _BIAS * self.values


def stochastic_rounding(c: Case, r: Recipe, flaws: tuple[Flaw, ...] = ()) -> Outcome | None:
    """Return the outcome for the blocks that differ; None where the bytes are no fair chance."""
    if r.element.second is not None or not c.differing.any():
        return None
    differing = np.flatnonzero(c.differing)
    seen = c.got.seen
    if not _legal(c, r, differing[:_FEW], flaws) or not _legal(c, r, differing, flaws):
        return None
    tally = _Tally(np.zeros((2, r.element.first.format.max_code)))
    for part in parts(c):
        _count(tally, c, r, part[seen[part]], flaws)
    if tally.chance < _LEAST_CODES or not (
        tally.fair(tally.up, tally.expected_up) and tally.fair(tally.far, tally.expected_far)
    ):
        return None
    share, expected = tally.up / tally.values, tally.expected_up / tally.values
    what = (
        f"every code is one of its value's two neighbours; {100 * share:.4g} % of the values between two "
        f"codes went up, {100 * expected:.4g} % expected, z = {tally.z(tally.up, tally.expected_up):+.2f}"
    )
    return Outcome(FLAG, what, c.differing)


def _legal(c: Case, r: Recipe, index: I64, flaws: tuple[Flaw, ...]) -> bool:
    """Return whether scale bytes are right and every code is one of two."""
    if (c.got.scales[index] != c.want.scales[index]).any():
        return False
    right, known = nearest_codes(c, r, index, flaws, "neighbour")
    return bool(right[known].all()) and bool(known.any())


def _count(tally: _Tally, c: Case, r: Recipe, index: I64, flaws: tuple[Flaw, ...]) -> None:
    y, codes, zero = scaled(c, r, index, flaws)
    values = code_values(r.element.first.format).astype(np.float64)
    grid = values[: r.element.first.format.max_code + 1]
    magnitude = np.abs(y.astype(np.float64))
    at = np.clip(np.searchsorted(grid, magnitude, side="right") - 1, 0, len(grid) - 2)
    up = (magnitude - grid[at]) / (grid[at + 1] - grid[at])
    between = (up > 0) & (up < 1) & ~zero[:, None]
    went_up = np.abs(values[codes]) > grid[at]
    p, ups = up[between], went_up[between]
    tally.values += int(p.size)
    tally.up += float(np.count_nonzero(ups))
    tally.expected_up += float(p.sum())
    tally.far += float(np.count_nonzero(np.where(p > 0.5, ~ups, ups) & (p != 0.5)))  # noqa: PLR2004 -- the middle
    tally.expected_far += float(np.minimum(p, 1 - p)[p != 0.5].sum())  # noqa: PLR2004
    middle = between & (up == 0.5)  # noqa: PLR2004
    for way, there in enumerate((~went_up, went_up)):
        tally.ties[way] += np.bincount(at[middle & there], minlength=len(grid) - 1)
    tally.variance += float((p * (1 - p)).sum())
