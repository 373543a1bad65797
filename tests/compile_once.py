"""What Numba keeps in its cache is compiled by one of the workers: the others wait, and find it there."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from numba.core.caching import NullCache
from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher


@contextmanager
def compiling_in_turn(lock: Path) -> Iterator[None]:
    """Let one process at a time compile what is cached, so that the next one finds it there."""
    alone, depth = Dispatcher.compile, 0

    def in_turn(dispatcher: Dispatcher, signature: object) -> object:
        nonlocal depth
        if isinstance(dispatcher._cache, NullCache):
            return alone(dispatcher, signature)
        with global_compiler_lock:  # one thread of this process, which may compile what it calls
            if not depth:
                fcntl.flock(file, fcntl.LOCK_EX)
            depth += 1
            try:
                return alone(dispatcher, signature)
            finally:
                depth -= 1
                if not depth:
                    fcntl.flock(file, fcntl.LOCK_UN)

    with lock.open("w") as file, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Dispatcher, "compile", in_turn)
        yield
