"""A folder of this machine, or of a file system that several share."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from fos_ref.errors import CheckpointError
from fos_ref.fleet.places.place import DONE, FAILED, Stat
from fos_ref.outside.files import read_file
from fos_ref.publish.locks import sync_folder
from fos_ref.publish.publication import write_all
from fos_ref.publish.staging import clear, is_staged
from fos_ref.publish.targets import Targets
from fos_ref.storage.ranges import LocalBytes

#: Seconds after which an attempt is given up on a file system without locks, where none tells that it lives.
LEASE = 24 * 3600.0


class LocalFolder:
    """See `Place`. root: without links, so that it is the same for programs that work elsewhere."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))

    @property
    def url(self) -> str:
        """Its path."""
        return str(self.root)

    def path(self, name: str) -> Path:
        """Return the path of a file."""
        return self.root / name

    def names(self, folder: str = "") -> dict[str, Stat]:
        """Return the files right in a folder of it."""
        found = {}
        with contextlib.suppress(FileNotFoundError), os.scandir(self.root / folder) as entries:
            for entry in entries:
                if entry.is_file() and not is_staged(entry.name):
                    found[entry.name] = _stat(entry.stat())
        return dict(sorted(found.items()))

    def stat(self, name: str) -> Stat | None:
        """Return size and time of writing of a regular file."""
        try:
            found = (self.root / name).stat()
        except FileNotFoundError:
            return None
        return _stat(found) if stat.S_ISREG(found.st_mode) else None

    def open(self, name: str) -> LocalBytes:
        """Open a file."""
        return LocalBytes(self.root / name)

    def read(self, name: str, most: int) -> bytes | None:
        """Return a small file."""
        try:
            return read_file(self.root / name, most, CheckpointError)
        except FileNotFoundError:
            return None

    def put(self, name: str, data: bytes) -> None:
        """Write a small file by a rename."""
        path = self.root / name
        write_all(Targets(path.parent, [path.name]), {path.name: data})

    @contextlib.contextmanager
    def making(self, name: str) -> Iterator[Path]:
        """Return the path itself: the writer has a hidden name and a rename of its own."""
        yield self.root / name

    def remove(self, name: str) -> None:
        """Remove a file."""
        (self.root / name).unlink(missing_ok=True)

    def ready(self) -> None:
        """Make the folders of records: two programs that make one by a rename at once would meet."""
        for folder in (DONE, FAILED):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        sync_folder(self.root)

    def sweep(self) -> None:
        """Remove hidden folders that no program holds; without locks those that are past the lease."""
        for folder in (self.root, self.root / ".fos", self.root / DONE, self.root / FAILED):
            clear(folder)
            with contextlib.suppress(OSError), os.scandir(folder) as entries:
                for entry in entries:
                    old = time.time() - entry.stat(follow_symlinks=False).st_mtime > LEASE
                    if is_staged(entry.name) and old:
                        shutil.rmtree(entry.path, ignore_errors=True)


def _stat(found: os.stat_result) -> Stat:
    return Stat(found.st_size, f"mtime {found.st_mtime_ns}")
