"""A job for a worker: a function of this package by name, so that whatever engine carries plain values."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Protocol

from fos_ref.fleet.task import How, Result, run_task


class Job(NamedTuple):
    """One task."""

    target: str
    plan: str
    shard: str
    how: How

    def run(self) -> Result:
        """Run it here."""
        return run_task(*self)


class Workers(Protocol):
    """An engine: it runs jobs somewhere and hands back what came of them, in any order."""

    name: str

    def run(self, jobs: Iterable[Job]) -> Iterator[Result]:
        """Run every job; one whose worker is lost again and again is a result of its own."""

    def map(self, work: Any, items: Iterable[Any]) -> Iterator[Any]:
        """Return work(item) of every item, in any order, for tasks that write nothing."""


def run_job(job: Job) -> Result:
    """Run a job: what a worker process is given."""
    return job.run()


def shared_cores(workers: int) -> int:
    """Return how many threads each of some workers of this machine gets."""
    return max(1, len(os.sched_getaffinity(0)) // workers)
