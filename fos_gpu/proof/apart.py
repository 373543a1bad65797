"""Work on a device that may end its context: after that, this process has the rest done by fresh ones.

An illegal address ends every later call of the process: one kernel that fails would take the others with it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")
_ENDED: list[bool] = []  #: not empty once a call here has ended the context


def run(work: Callable[[T], R], given: T) -> R:
    """Return work(given): here, or in a fresh process where the context has ended. A function of a module."""
    if _ENDED:
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            return pool.submit(work, given).result()
    found = work(given)
    cupy = sys.modules.get("cupy")
    if cupy is not None and not alive(cupy):
        _ENDED.append(True)
    return found


def alive(cupy: Any) -> bool:
    """Return whether the current device still answers."""
    try:
        cupy.cuda.runtime.deviceSynchronize()
    except cupy.cuda.runtime.CUDARuntimeError:
        return False
    return True
