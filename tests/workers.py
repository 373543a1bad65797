"""How a run is shared out among processes (pytest-xdist): who starts them, how many, in which order."""

from __future__ import annotations

import os

import pytest

MOST = 8  #: workers; each of them imports and collects everything, some six seconds
#: Python keeps what it compiles, so that workers and the commands that tests start compile nothing twice.
KEEPS_NOTHING = "PYTHONDONTWRITEBYTECODE"
#: The start of the first worker's share: what takes the compiled engine, which is compiled there. Another
#: worker that gets to such a test meanwhile waits.
FIRST = (
    "tests/fast/",
    "tests/benchmarks/",
    "tests/docs/test_divergences",
    "tests/meta/test_workers",
    "tests/model/test_signalling_nan",
    "tests/proof/test_corpus",
    "tests/proof/test_engine",
    "tests/property/test_storage_and_engines",
    "tests/vectors/test_chain",
    "tests/vectors/test_verify.py",
)


def number(config: pytest.Config) -> int:
    """Return how many workers to start: none for less than the whole default suite, which is sooner done.

    The peers' suite keeps its evidence in one process.
    """
    whole = config.args == config.getini("testpaths") and not config.option.keyword
    if not whole or "not peer" not in config.option.markexpr:
        return 0
    return min(cores(), MOST) if cores() > 1 else 0


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def is_one(config: pytest.Config) -> bool:
    """Return whether this process is a worker."""
    return hasattr(config, "workerinput")


def goes_back(config: pytest.Config) -> bool:
    """Return whether a worker collects from the last file to the first: it meets the others half way.

    What one has compiled, the other reads.
    """
    return is_one(config) and int(config.workerinput["workerid"].removeprefix("gw")) % 2 == 1


def in_order(items: list[pytest.Item]) -> list[pytest.Item]:
    """Return the tests in the order of every worker, whichever way it collected the files."""
    return sorted(items, key=lambda item: (not item.nodeid.startswith(FIRST), str(item.path)))
