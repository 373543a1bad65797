"""Whether compiled code is there already: Numba tells of each compilation before it begins."""

from __future__ import annotations

import threading
from collections.abc import Callable

from numba.core.event import Event, install_listener, Listener, register

KIND = "numba:compile"  #: of the event; code that is found in the cache raises none


class _Missing(Exception):  # noqa: N818 -- caught here, never seen
    """The code of a call would have to be compiled."""


class _Asking(threading.local):
    """Whether this thread only asks what would be compiled."""

    now = False


_asking = _Asking()


class _Asked(Listener):  # type: ignore[misc]
    """Gives up the call of a thread that only asks."""

    def on_start(self, event: Event) -> None:  # noqa: ARG002 -- Numba passes it
        """Give up before anything is compiled."""
        if _asking.now:
            raise _Missing

    def on_end(self, event: Event) -> None:
        """Nothing is to be done."""


class _Once(Listener):  # type: ignore[misc]
    """Says, once, that a compilation begins."""

    def __init__(self, say: Callable[[], None]) -> None:
        self._say: Callable[[], None] | None = say

    def on_start(self, event: Event) -> None:  # noqa: ARG002 -- Numba passes it
        """Say it, unless somebody only asks."""
        if self._say is not None and not _asking.now:
            say, self._say = self._say, None
            say()

    def on_end(self, event: Event) -> None:
        """Nothing is to be done."""


def is_cached(call: Callable[[], object]) -> bool:
    """Return whether `call` finds all its code in the cache; if not, it is given up before compiling."""
    _asking.now = True
    try:
        with install_listener(KIND, _Asked()):
            call()
    except _Missing:
        return False
    finally:
        _asking.now = False
    return True


def when_compiling(say: Callable[[], None]) -> None:
    """Call `say` once, when the first compilation of this process from now on begins."""
    register(KIND, _Once(say))
