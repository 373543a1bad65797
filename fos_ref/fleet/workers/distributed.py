"""A cluster of Dask: one of this machine, or the scheduler at an address.

What Dask guarantees is that a task whose worker dies runs again; that its result is one is our files' doing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self

from fos_ref.errors import FosError, InputError, ToolchainError
from fos_ref.fleet.task import LOST, Result
from fos_ref.fleet.workers.work import Job, run_job
from fos_ref.foreign import said, shown

ALLOWED_FAILURES = 5  #: workers that a task may lose before it counts as what kills them


class Dask:
    """See `Workers`. Use it as a context manager.

    address: of a scheduler; None: a cluster of this machine with `workers` processes
    Raises:  ToolchainError without dask.distributed; InputError where no scheduler answers.
    """

    name = "dask"

    def __init__(self, address: str | None, workers: int) -> None:
        try:
            import dask  # noqa: PLC0415 -- an extra
            import distributed  # noqa: PLC0415
        except ImportError as e:
            msg = "dask.distributed is not installed: pip install 'fos-ref[fleet]' brings it"
            raise ToolchainError(msg) from e
        self._distributed = distributed
        self._cluster: Any = None
        dask.config.set({"distributed.scheduler.allowed-failures": ALLOWED_FAILURES})
        if address is None:
            self._cluster = distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                memory_limit=0,
                dashboard_address=None,
            )
        try:
            self.client = distributed.Client(self._cluster or address, timeout=30)
        except (OSError, ValueError) as e:
            msg = f"scheduler {shown(address)}: {said(e)}: the address of a running one is allowed: tcp://HOST:8786"
            raise InputError(msg) from e

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        if self._cluster is not None:
            self._cluster.close()

    def run(self, jobs: Iterable[Job]) -> Iterator[Result]:
        """Run the jobs."""
        for job, found in self._completed(run_job, list(jobs)):
            if isinstance(found, FosError):
                raise found
            yield Result(job.shard, LOST, said(found)) if isinstance(found, BaseException) else found

    def map(self, work: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """Return work(item) of every item."""
        for _, found in self._completed(work, list(items)):
            if isinstance(found, BaseException):
                raise found
            yield found

    def _completed(self, work: Callable[[Any], Any], items: list[Any]) -> Iterator[tuple[Any, Any]]:
        """Yield (item, result or exception) as they come."""
        own = secrets.token_hex(8)  # two drivers are two sets of tasks, on one scheduler too
        futures = {
            self.client.submit(work, item, key=f"fos-{own}-{number}", pure=False): item
            for number, item in enumerate(items)
        }
        for future in self._distributed.as_completed(list(futures)):
            failed = future.exception()
            yield futures[future], failed if failed is not None else future.result()
