"""Trying again what a network or a disk refused, a few times, each after a longer pause."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Out = TypeVar("Out")
TRIES = 4
PAUSE = 0.5  #: seconds before the second try; twice as long before each further one
#: What stays as it is, however often it is asked for.
_FINAL = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, FileExistsError)


def retried(work: Callable[[], Out], *, tries: int = TRIES, pause: float = PAUSE) -> Out:
    """Return what `work` returns. Raises: its OSError, where it is none that may pass, or after `tries`."""
    for number in range(tries - 1):
        try:
            return work()
        except _FINAL:
            raise
        except OSError:
            time.sleep(pause * (1 << number))
    return work()
