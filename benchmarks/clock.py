"""Timing things in turn: every round visits all of them, so what slows the machine down slows all of them."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Subject:
    """Something to time: a call without arguments."""

    name: str
    run: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Rounds:
    """How long to look: `count` rounds, in each a visit of about `least` seconds to every subject.

    `clock` is wall time; what runs on one thread may be timed by time.thread_time, which stands still while
    other programs have the core.
    """

    count: int
    least: float
    clock: Callable[[], float] = time.perf_counter


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of some figures, and how far they go."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Spread:
        """Return the spread of one figure or more."""
        return cls(median(figures), min(figures), max(figures))

    def document(self, digits: int) -> dict[str, float]:
        """Return the spread for JSON, rounded to significant digits."""
        values = {"median": self.median, "low": self.low, "high": self.high}
        return {name: significant(value, digits) for name, value in values.items()}


def significant(value: float, digits: int) -> float:
    """Return a figure with as many digits as it deserves."""
    return float(f"{value:.{digits}g}")


def alternate(subjects: Sequence[Subject], rounds: Rounds) -> dict[str, list[float]]:
    """Return the seconds of a call to each subject, one figure a round; every round starts elsewhere."""
    found: dict[str, list[float]] = {s.name: [] for s in subjects}
    gc.collect()
    gc.disable()
    try:
        for i in range(rounds.count):
            first = i % len(subjects)
            for s in [*subjects[first:], *subjects[:first]]:
                found[s.name].append(visit(s.run, rounds))
    finally:
        gc.enable()
    return found


def visit(run: Callable[[], object], rounds: Rounds) -> float:
    """Return the median seconds of a call: one that does not count, then calls for a visit."""
    run()
    times: list[float] = []
    end = time.perf_counter() + rounds.least
    while not times or time.perf_counter() < end:
        start = rounds.clock()
        run()
        times.append(rounds.clock() - start)
    return median(times)


def ratios(slow: Sequence[float], fast: Sequence[float]) -> Spread:
    """Return how many times longer the first took than the second, round by round."""
    return Spread.of([a / b for a, b in zip(slow, fast, strict=True)])
