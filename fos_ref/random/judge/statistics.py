"""What statistics see of a stochastic rounding without its random bits, at a stated rate of false alarms.

Every test is a sum of independent terms of known variance, bounded by 1, of mean zero if the rounder is
right. Bernstein's inequality bounds how likely such a sum is, for any number of values: no approximation.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, fsum
from typing import NamedTuple

import numpy as np

from fos_ref.formats.arrays import AnyArray, Bool, F64
from fos_ref.random.judge.outcomes import Outcomes

FALSE_ALARM = 1e-6
_PLACES = 8  #: ranges of nu whose share of ups is tested by itself
#: Distances, in rows and in columns, at which programs are known to share random numbers.
LAGS = ((1, 0), (16, 0), (32, 0), (64, 0), (128, 0), (0, 1), (0, 2), (0, 16), (0, 64), (0, 256))


class Test(NamedTuple):
    """One sum, and a bound of the chance that it comes out as far from zero as it did."""

    what: str
    flag: str
    total: float
    variance: float
    chance: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was tested, and what a right rounder would hardly do."""

    values: int
    illegal: int  #: codes that are no neighbour of their value
    moved: int  #: of them, values of the format that became one of the values beside it
    tests: tuple[Test, ...]
    false_alarm: float  #: of a right rounder with independent bits, at most, over all the tests

    @property
    def alarms(self) -> tuple[Test, ...]:
        """The tests that alarm, the least likely first."""
        limit = self.false_alarm / max(1, len(self.tests))
        return tuple(sorted((t for t in self.tests if t.chance < limit), key=lambda t: t.chance))

    @property
    def flags(self) -> tuple[str, ...]:
        """What is wrong: a code that no random number gives, then the alarms; each once."""
        certain = ["SrGridNoise"] if 0 < self.moved == self.illegal else ["SrRule"] if self.illegal else []
        return tuple(dict.fromkeys([*certain, *(t.flag for t in self.alarms)]))


def statistics(
    seen: Outcomes, magnitudes: AnyArray | None = None, *, false_alarm: float = FALSE_ALARM
) -> Verdict:
    """Return what the outcomes of a matrix of values say without its random bits.

    seen:        of `outcomes`, (rows, columns), against the chances that the recipe gives
    magnitudes:  |y|; with them the share of ups is tested in each binade as well
    Tests: the share of ups over all values (bias); the same for each eighth of nu and each binade, which too
           few bits, a wrong rule or rounding in some ranges only move; and for pairs at each of LAGS the
           products of both errors. Two values that share a random number have errors of correlation 1/2,
           which no test of single values sees.
    """
    error = seen.up - seen.chance
    spread = seen.chance * (1 - seen.chance)
    tests = [_tested("share of ups", "SrRule", error, spread)]
    place = np.floor(seen.chance * _PLACES)
    for k in range(_PLACES):
        some = (place == k) & (spread > 0)
        tests.append(
            _tested(
                f"ups of nu in [{k}/{_PLACES}, {k + 1}/{_PLACES})", "SrBitsNarrow", error[some], spread[some]
            )
        )
    if magnitudes is not None:
        binade = np.frexp(np.asarray(magnitudes, dtype=np.float64))[1]
        for b in np.unique(binade[spread > 0]).tolist():
            some = binade == b
            tests.append(_tested(f"ups from 2^{b - 1} on", "SrRule", error[some], spread[some]))
    for rows, columns in LAGS:
        if rows < error.shape[0] and columns < error.shape[1]:
            near, far = _pairs(error.shape, rows, columns)
            products, spreads = error[near] * error[far], spread[near] * spread[far]
            what = f"{rows} rows apart" if rows else f"{columns} columns apart"
            tests.append(_tested(f"pairs {what}", "SrSharedNoise", products, spreads))
    illegal, moved = int((~seen.legal).sum()), int(seen.moved.sum())
    return Verdict(error.size, illegal, moved, tuple(t for t in tests if t.variance > 0), false_alarm)


def _tested(what: str, flag: str, terms: F64, variances: F64) -> Test:
    """Return a test of independent terms; its chance is Bernstein's bound, 2 exp(-t^2 / 2(V + t/3))."""
    total, variance = fsum(terms.ravel()), fsum(variances.ravel())
    t = abs(total)
    chance = 1.0 if t == 0 else min(1.0, 2 * exp(-t * t / (2 * (variance + t / 3))))
    return Test(what, flag, total, variance, chance)


def _pairs(shape: tuple[int, ...], rows: int, columns: int) -> tuple[Bool, Bool]:
    """Return masks of pairs at a distance; no value is in two pairs, so their products are independent."""
    lag, axis = (rows, 0) if rows else (columns, 1)
    at = np.arange(shape[axis])
    first = (at // lag % 2 == 0) & (at + lag < shape[axis])
    second = np.zeros_like(first)
    second[at[first] + lag] = True
    masks = [np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)]
    for mask, line in zip(masks, (first, second), strict=True):
        mask[(line, slice(None)) if axis == 0 else (slice(None), line)] = True
    return masks[0], masks[1]
