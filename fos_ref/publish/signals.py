"""Signals that end a program: as an exception does, and not in the middle of a rename."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALLED = 128  #: exit code of a command that signal n ends: 128 + n
#: A terminal that closes, a keyboard, a batch system, a timer: each would end the process at once. SIGINT is
#: not here: Python makes a KeyboardInterrupt of it. SIGABRT stays what abort() makes of it, and SIGXFSZ and
#: SIGPIPE are ignored by Python: the write fails instead.
ENDING = tuple(
    getattr(signal, name)
    for name in ("SIGHUP", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGXCPU")
    if hasattr(signal, name)
)


@contextmanager
def stopping() -> Iterator[None]:
    """Let each of ENDING raise SystemExit(128 + n) in the body, so that whatever is open cleans up.

    A signal that is ignored (nohup) or has a handler already is left alone, and so is every signal where the
    caller is not the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    owner = os.getpid()

    def stop(number: int, _: FrameType | None) -> None:
        if os.getpid() != owner:  # a worker process: it ends as it would have without us
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        sys.exit(SIGNALLED + number)

    ours = [n for n in ENDING if signal.getsignal(n) is signal.SIG_DFL]
    try:
        for n in ours:
            signal.signal(n, stop)
        yield
    finally:
        for n in ours:
            signal.signal(n, signal.SIG_DFL)


@contextmanager
def held() -> Iterator[None]:
    """Put off every signal that Python handles until the body is done: it is short."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {n: h for n in (signal.SIGINT, *ENDING) if callable(h := signal.getsignal(n))}
    try:
        for n in before:
            signal.signal(n, lambda number, _: came.append(number))
        yield
    finally:
        for n, handler in before.items():
            signal.signal(n, handler)
        for n in came:
            signal.raise_signal(n)
