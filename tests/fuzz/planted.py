"""Readers with a fault in them, to show that a run finds each kind: `python -m tests.fuzz.planted DIR`."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.fuzz import targets, worker
from tests.fuzz.corpus import Sample
from tests.fuzz.run import run
from tests.fuzz.target import Target
from tests.fuzz.worker import Plan

COUNT = 5  #: inputs of each


def _one() -> list[Sample]:
    return [Sample({"a.json": b'{"key": [1, 2, 3], "other": "text"}\n'}, {"a.json": "json"})]


def read_key(folder: Path) -> object:
    """Read a file as somebody would who expects nothing: KeyError, TypeError, a decoder's own errors."""
    return json.loads((folder / "a.json").read_bytes())["key"][0]


def wait_for_ever(folder: Path) -> object:
    """Hang on some files; on others take longer than the limit, but not of the processor."""
    kind = len((folder / "a.json").read_bytes()) % 4
    time.sleep({2: 1.0, 3: 60.0}.get(kind, 0.0))
    return None


def end_the_process(folder: Path) -> object:
    """End the process without a word on some files."""
    if len((folder / "a.json").read_bytes()) % 4 == 2:
        os._exit(7)
    return None


def leave_a_file(folder: Path) -> object:
    """Leave a file beside the input."""
    return (folder / ".a.tmp").write_bytes(b"x")


PLANTED = {f.__name__: Target(_one, (f,)) for f in (read_key, wait_for_ever, end_the_process, leave_a_file)}


def plant() -> None:
    """Put the faulty readers in the place of the targets."""
    targets.TARGETS = MappingProxyType(PLANTED)
    worker.TARGETS = targets.TARGETS


def work(plan: Plan, number: int, counts: Any, until: float, log: str) -> None:
    """Run a worker process on the faulty readers."""
    plant()
    worker.work(plan, number, counts, until, log)


if __name__ == "__main__":
    made = Plan(tuple(PLANTED), seed=0, jobs=2, seconds=None, count=COUNT, limit=0.5, failures=sys.argv[1])
    sys.stdout.write(json.dumps(run(made, by=work)))
