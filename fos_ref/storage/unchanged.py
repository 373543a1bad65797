"""Whether a file that is read more than once is still the one that was opened.

An open file stays itself when another takes its name. It can be rewritten in place, though, and then two
passes over it see two files. The system's times of change tell.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from fos_ref.errors import CheckpointError

_TICK = 0.01  #: seconds: no clock of a local file system is coarser


def settled(fd: int) -> os.stat_result:
    """Return what is known of an open file, once a change from now on gets another time than the last."""
    found = os.fstat(fd)
    if 0 <= time.time_ns() - found.st_ctime_ns < _TICK * 1e9:
        time.sleep(_TICK)
        found = os.fstat(fd)
    return found


def changed(before: os.stat_result, after: os.stat_result) -> bool:
    """Return whether a file was written to in between.

    The time of change catches a time of writing that was set back. A link that is made or removed (a rename
    onto the file's name) moves it too and touches no byte, so then it is not compared.
    """
    moved = before.st_nlink == after.st_nlink and before.st_ctime_ns != after.st_ctime_ns
    written = (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)
    return moved or written


def rewritten(path: Path) -> CheckpointError:
    """Return the error for a file that was."""
    msg = f"{path}: changed while it was read: a file that no other program writes to is allowed"
    return CheckpointError(msg)
