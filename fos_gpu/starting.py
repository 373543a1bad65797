"""Where kernels are started: at once, or kept, to be started again and again with the arguments packed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple


class Start(NamedTuple):
    """A launch: a loaded kernel, its thread blocks, threads of each, its arguments."""

    function: Any
    groups: int
    threads: int
    arguments: tuple[Any, ...]
    together: bool = False  #: whether all thread blocks have to be there at once: a cooperative launch


class Clear(NamedTuple):
    """An array that is filled with zeros."""

    array: Any


Step = Start | Clear
_KEPT: ContextVar[list[Step] | None] = ContextVar("kept", default=None)


def start(function: Any, groups: int, threads: int, arguments: tuple[Any, ...]) -> None:
    """Start a kernel on the current stream; where steps are kept, keep it."""
    kept = _KEPT.get()
    if kept is None:
        function((groups,), (threads,), arguments)
    else:
        kept.append(Start(function, groups, threads, arguments))


def clear(array: Any) -> None:
    """Fill a CuPy array with zeros on the current stream; where steps are kept, keep that."""
    kept = _KEPT.get()
    if kept is None:
        array.data.memset_async(0, array.nbytes)
    else:
        kept.append(Clear(array))


@contextmanager
def keeping() -> Iterator[list[Step]]:
    """Keep what this thread would start, in order, and start nothing."""
    kept: list[Step] = []
    token = _KEPT.set(kept)
    try:
        yield kept
    finally:
        _KEPT.reset(token)
