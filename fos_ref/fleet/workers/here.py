"""The tasks one after the other in this process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from fos_ref.fleet.task import Result
from fos_ref.fleet.workers.work import Job


class Here:
    """See `Workers`."""

    name = "here"

    def run(self, jobs: Iterable[Job]) -> Iterator[Result]:
        """Run the jobs in order."""
        for job in jobs:
            yield job.run()

    def map(self, work: Any, items: Iterable[Any]) -> Iterator[Any]:
        """Return work(item) of every item."""
        yield from map(work, items)
