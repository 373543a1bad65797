"""Timing on a device: events around several launches, every subject in every round, tensors in rotation."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

DIGITS = 4
Times = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Subject:
    """Something to time: run(i) starts its i-th launch, on the i-th tensor in turn, and does not wait."""

    name: str
    run: Callable[[int], object]
    launches: int = 6  #: of a visit


@cache
def cupy() -> Any:
    """Return CuPy."""
    return importlib.import_module("cupy")


def visit(s: Subject) -> float:
    """Return the milliseconds of a launch: one that does not count, then some between two events."""
    event = cupy().cuda.Event
    start, end = event(), event()
    s.run(0)
    start.record()
    for i in range(s.launches):
        s.run(i)
    end.record()
    end.synchronize()
    return float(cupy().cuda.get_elapsed_time(start, end)) / s.launches


def alternate(subjects: Sequence[Subject], rounds: int) -> Times:
    """Return the milliseconds of a launch, one figure a round; every round starts with another subject."""
    found: Times = {s.name: [] for s in subjects}
    for i in range(rounds):
        first = i % len(subjects)
        for s in [*subjects[first:], *subjects[:first]]:
            found[s.name].append(visit(s))
    return found
