"""A run: the tasks of a plan that are not proven yet, by whichever engine, and the end of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from fos_ref.fleet.finish import finish, records
from fos_ref.fleet.places.place import Place
from fos_ref.fleet.plan import Fleet
from fos_ref.fleet.task import DONE, How, Result, SKIPPED
from fos_ref.fleet.workers.distributed import Dask
from fos_ref.fleet.workers.here import Here
from fos_ref.fleet.workers.pool import Pool
from fos_ref.fleet.workers.work import Job, Workers

ENGINES = ("local", "dask")


class Slice(NamedTuple):
    """Every `step`-th shard from the `first`-th on: what one task of an array makes."""

    first: int = 0
    step: int = 1


WHOLE = Slice()


@dataclass(slots=True, kw_only=True)
class Ran:
    """What came of a run."""

    fleet: Fleet
    results: list[Result] = field(default_factory=list)
    sha256: dict[str, str] | None = None  #: by shard; None where other shards are still to be made

    @property
    def bad(self) -> list[Result]:
        """The shards that are not there."""
        return [r for r in self.results if r.state not in {DONE, SKIPPED}]


@contextmanager
def workers_of(engine: str, count: int, address: str | None = None) -> Iterator[Workers]:
    """Return the engine that is asked for: "local" with one worker is this process."""
    if engine == "dask":
        with Dask(address, count) as dask:
            yield dask
    else:
        yield Here() if count == 1 else Pool(count)


def run(
    fleet: Fleet,
    at: Place,
    workers: Workers,
    how: How,
    *,
    part: Slice = WHOLE,
    say: Callable[[Result], None] | None = None,
) -> Ran:
    """Run the tasks of a plan, those of a slice; finish where all shards are there then.

    say:    called with each result as it comes
    Raises: OSError, ToolchainError; what a shard does is its result.
    """
    names = list(fleet.parts)[part.first :: part.step]
    ran = Ran(fleet=fleet)
    for found in workers.run([Job(at.url, fleet.id, name, how) for name in names]):
        ran.results.append(found)
        if say is not None:
            say(found)
    if not ran.bad:
        whole = records(fleet, at)
        ran.sha256 = None if whole is None else finish(fleet, at, whole)
    return ran
