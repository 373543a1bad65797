"""The hidden folder in which an output is made, and what a killed program left of one.

A hidden folder is locked while its program lives. One that nobody holds was left by a program that had no
time to clean up (kill -9, power loss): the next that publishes in the same place removes it.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
from pathlib import Path, PurePosixPath

from fos_ref.publish.locks import locked, open_folder, take

_NAME = re.compile(r"\.fos-[0-9a-f]{16}\.tmp")
_PRIVATE = 0o700


class Staging:
    """A hidden folder in `base`, new and locked. Raises: OSError where none can be made.

    Whoever makes one holds the signals until it knows of it (publish/signals.py).
    """

    def __init__(self, base: Path) -> None:
        with locked(base) as sole:
            if sole:  # nobody is between making a hidden folder and locking it
                _clear(base)
            self.path = base / f".fos-{secrets.token_hex(8)}.tmp"
            self.path.mkdir(mode=_PRIVATE)
            self._fd = open_folder(self.path, follow=False)
            take(self._fd)

    def discard(self) -> None:
        """Remove the folder with whatever is left in it; what cannot be removed is left for the next run."""
        shutil.rmtree(self.path, ignore_errors=True)
        with contextlib.suppress(OSError):
            os.close(self._fd)


def is_staged(name: str) -> bool:
    """Return whether a file below a folder, by its name there, lies in a hidden folder of this kind."""
    return _NAME.fullmatch(PurePosixPath(name).parts[0]) is not None


def clear(folder: Path) -> None:
    """Remove the hidden folders that dead programs left in `folder`; nothing where there are no locks."""
    with locked(folder, seconds=0) as sole:
        if sole:
            _clear(folder)


def _clear(folder: Path) -> None:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _NAME.fullmatch(entry.name):
                _remove_unheld(Path(entry.path))


def _remove_unheld(path: Path) -> None:
    """Remove one hidden folder unless its program lives, or another user made it."""
    with contextlib.suppress(OSError):
        fd = open_folder(path, follow=False)
        try:
            if os.fstat(fd).st_uid == os.geteuid() and take(fd):
                shutil.rmtree(path, ignore_errors=True)
        finally:
            os.close(fd)
