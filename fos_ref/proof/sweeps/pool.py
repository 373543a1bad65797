"""Work in chunks over processes, and the counts of all chunks added up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeAlias, TypeVar

from fos_ref.engines.memory import keep_memory
from fos_ref.proof.result import Progress

#: (part, figure) -> how many.
Tally: TypeAlias = Counter[tuple[str, str]]
T = TypeVar("T")


def total(work: Callable[[T], Tally], tasks: Sequence[T], jobs: int, progress: Progress) -> Tally:
    """Return the sum of work(task) over all tasks, in `jobs` processes; one job stays in this process.

    `work` is called by its name in fresh processes, so it is a function of a module. What it raises ends all.
    """
    keep_memory()
    if jobs == 1 or len(tasks) == 1:
        return _add(map(work, tasks), len(tasks), progress)
    workers = min(jobs, len(tasks))
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=keep_memory) as pool:
        return _add(pool.map(work, tasks), len(tasks), progress)


def _add(tallies: Iterable[Tally], tasks: int, progress: Progress) -> Tally:
    found: Tally = Counter()
    progress(0, tasks)
    for done, tally in enumerate(tallies, start=1):
        found.update(tally)
        progress(done, tasks)
    return found
