"""What the default suite leaves out: of a test with many cases all but a sample, which is spread evenly.

`--share I/N` runs every N-th of the tests that are asked for, from the I-th on: `pytest -m long --share 1/4`.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest


def add_option(parser: pytest.Parser) -> None:
    """Add `--share`."""
    from fos_gpu.proof.shares import share  # noqa: PLC0415 -- a mutant is planted before imports

    parser.addoption("--share", type=share, metavar="I/N", help="every N-th test, from the I-th on")


def chosen(cases: int, n: int) -> set[int]:
    """Return the places of n of the cases, spread evenly, the first among them."""
    return {i * cases // n for i in range(n)} if n < cases else set(range(cases))


def mark_the_others(items: Iterable[pytest.Item]) -> None:
    """Mark as long what `@pytest.mark.sample(n)` leaves out: all but n cases of its test."""
    tests: dict[tuple[str, str], list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("sample") and not item.get_closest_marker("exhaustive"):
            tests.setdefault((str(item.path), item.originalname), []).append(item)
    for cases in tests.values():
        marker = cases[0].get_closest_marker("sample")
        kept = chosen(len(cases), marker.args[0])
        for place, item in enumerate(cases):
            if place not in kept:
                item.add_marker(pytest.mark.long)


def keep_the_share(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what `--share` leaves out."""
    part = config.getoption("--share")
    if part is not None:
        kept = part.of(items)
        left_out = set(items) - set(kept)
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = kept
