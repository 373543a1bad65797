"""Of a test with many cases the default suite takes some, spread evenly; the others are exhaustive."""

from __future__ import annotations

from collections.abc import Iterable

import pytest


def chosen(cases: int, n: int) -> set[int]:
    """Return the places of n of the cases, spread evenly, the first among them."""
    return {i * cases // n for i in range(n)} if n < cases else set(range(cases))


def mark_the_others(items: Iterable[pytest.Item]) -> None:
    """Mark as exhaustive what `@pytest.mark.sample(n)` leaves out: all but n cases of its test."""
    tests: dict[tuple[str, str], list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("sample") and not item.get_closest_marker("exhaustive"):
            tests.setdefault((str(item.path), item.originalname), []).append(item)
    for cases in tests.values():
        marker = cases[0].get_closest_marker("sample")
        kept = chosen(len(cases), marker.args[0])
        for place, item in enumerate(cases):
            if place not in kept:
                item.add_marker(pytest.mark.exhaustive)
