"""Sharing out a range of work among threads: each part has its own place in the result."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import count as numbers
from typing import TypeVar

import numba

PARTS_PER_THREAD = 4  #: a thread that the system delays leaves its rest to the others
Out = TypeVar("Out")


def shared_out(work: Callable[[int, int], Out], count: int, smallest: int) -> list[Out]:
    """Return work(start, stop) for the parts of range(count), in order.

    Parts have at least `smallest` items: a hand-over between threads costs tens of microseconds. There are as
    many threads as numba.set_num_threads or NUMBA_NUM_THREADS allows, the caller's own among them; the work
    has to release the GIL. What it raises is raised here, once all threads have stopped.
    """
    threads = numba.get_num_threads()
    step = max(smallest, -(-count // (threads * PARTS_PER_THREAD)))
    parts = [(i, min(i + step, count)) for i in range(0, count, step)]
    if threads == 1 or len(parts) <= 1:
        return [work(*part) for part in parts]
    done: dict[int, Out] = {}
    raised: list[BaseException] = []
    following = numbers()

    def take() -> None:
        """Work on the next part that nobody has taken, until there is none."""
        try:
            while not raised and (i := next(following)) < len(parts):
                done[i] = work(*parts[i])
        except BaseException as e:  # noqa: BLE001 -- it is raised again, in the caller's thread
            raised.append(e)

    helpers = _started(min(threads, len(parts)) - 1, take)
    take()
    for h in helpers:
        h.join()
    if raised:
        raise raised[0]
    return [done[i] for i in range(len(parts))]


def _started(count: int, work: Callable[[], None]) -> list[threading.Thread]:
    """Return up to `count` threads at work: where the system allows no more, the others do the rest."""
    helpers: list[threading.Thread] = []
    for _ in range(count):
        one = threading.Thread(target=work)
        try:
            one.start()
        except RuntimeError:  # CPython has no class of its own for it
            break
        helpers.append(one)
    return helpers
