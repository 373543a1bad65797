"""Locks of folders: they end with the program that holds them, however it ends.

They are advisory (flock) and make no file. Where a file system has none, `locked` says so.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

WAIT = 5.0  #: seconds that a program waits for another, which holds a lock for milliseconds
_PAUSE = 0.02


def open_folder(path: Path, *, follow: bool = True) -> int:
    """Return a descriptor of a folder; OSError for anything else, a link included unless `follow`."""
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | (0 if follow else os.O_NOFOLLOW))


def take(fd: int, seconds: float = 0) -> bool:
    """Return whether the lock of an open folder is ours now; False too where there are no locks."""
    end = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(_PAUSE)
        except OSError:  # a file system without locks
            return False
        else:
            return True


@contextlib.contextmanager
def locked(folder: Path, seconds: float = WAIT) -> Iterator[bool]:
    """Hold the lock of a folder in the body, which learns whether it is held."""
    try:
        fd = open_folder(folder)
    except OSError:  # gone, or not to be read
        yield False
        return
    try:
        yield take(fd, seconds)
    finally:
        os.close(fd)


def sync_folder(folder: Path) -> None:
    """Put the names of a folder on the disk where the system can."""
    with contextlib.suppress(OSError):
        fd = open_folder(folder)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
