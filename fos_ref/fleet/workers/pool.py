"""Processes of this machine. One that is killed takes the pool with it: a new pool does what is left."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import as_completed, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from fos_ref.fleet.task import LOST, Result
from fos_ref.fleet.workers.work import Job, run_job

Item = TypeVar("Item")
ROUNDS = 4  #: pools that are started before what is left counts as lost


class Pool:
    """See `Workers`."""

    name = "local"

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def run(self, jobs: Iterable[Job]) -> Iterator[Result]:
        """Run the jobs."""
        left = list(jobs)
        for _ in range(ROUNDS):
            done: set[str] = set()
            for job, found in self._round(run_job, left):
                done.add(job.shard)
                yield found
            left = [j for j in left if j.shard not in done]
            if not left:
                return
        yield from (
            Result(j.shard, LOST, "its worker ended early: memory, most likely, or a signal") for j in left
        )

    def map(self, work: Callable[[Item], Any], items: Iterable[Item]) -> Iterator[Any]:
        """Return work(item) of every item. Raises: BrokenProcessPool where a worker ends early each time."""
        left = list(enumerate(items))
        for number in range(ROUNDS):
            done: set[int] = set()
            for (index, _), found in self._round(_numbered(work), left):
                done.add(index)
                yield found
            left = [i for i in left if i[0] not in done]
            if not left:
                return
            if number == ROUNDS - 1:
                msg = "a worker process ended early"
                raise BrokenProcessPool(msg)

    def _round(self, work: Callable[[Any], Any], items: list[Any]) -> Iterator[tuple[Any, Any]]:
        """Yield (item, result) until all are done, or the pool breaks."""
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self._workers, mp_context=context) as pool:
            futures = {pool.submit(work, item): item for item in items}
            for future in as_completed(futures):
                try:
                    yield futures[future], future.result()
                except BrokenProcessPool:
                    continue


class _numbered:  # noqa: N801 -- a function that processes can be sent
    """work of the second of a pair."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        self._work = work

    def __call__(self, item: tuple[int, Any]) -> Any:
        return self._work(item[1])
