"""Sharing out a range of work among threads: each part has its own place in the result."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numba

PARTS_PER_THREAD = 4  #: a thread that the system delays leaves its rest to the others
Out = TypeVar("Out")


def shared_out(work: Callable[[int, int], Out], count: int, smallest: int) -> list[Out]:
    """Return work(start, stop) for the parts of range(count), in order.

    Parts have at least `smallest` items: a hand-over between threads costs tens of microseconds. There are as
    many threads as numba.set_num_threads or NUMBA_NUM_THREADS allows; the work has to release the GIL.
    """
    threads = numba.get_num_threads()
    step = max(smallest, -(-count // (threads * PARTS_PER_THREAD)))
    parts = [(i, min(i + step, count)) for i in range(0, count, step)]
    if threads == 1 or len(parts) <= 1:
        return [work(*part) for part in parts]
    with ThreadPoolExecutor(min(threads, len(parts))) as pool:
        return list(pool.map(lambda part: work(*part), parts))
