"""Bytes by place: what a reader of a checkpoint asks of a file, wherever the file lies.

A local file is here. Those of object storage are in fos_ref/fleet/places: each `read` there is a range
request, so that a header, or one tensor, is all that is sent.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import numpy as np

from fos_ref.errors import CheckpointError
from fos_ref.formats.arrays import U8
from fos_ref.outside.files import check_regular
from fos_ref.storage.unchanged import changed, rewritten, settled


class Bytes(Protocol):
    """A file that is open, and stays as it was when it was opened, or a read says so."""

    def size(self) -> int:
        """Return how many bytes the file has."""

    def read(self, start: int, stop: int) -> U8:
        """Return bytes start..stop as a fresh array.

        Raises: OSError; CheckpointError where the file has fewer, or was written to since it was opened.
        """

    def close(self) -> None:
        """Close the file; later reads fail."""


class LocalBytes:
    """A regular file of this machine. Raises: OSError; CheckpointError for what is no regular file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        check_regular(path, CheckpointError)
        self.file = path.open("rb")
        try:
            self._opened = settled(self.file.fileno())
        except BaseException:
            self.file.close()
            raise

    def size(self) -> int:
        """Return how many bytes the file has now."""
        return os.fstat(self.file.fileno()).st_size

    def read(self, start: int, stop: int) -> U8:
        """Return bytes start..stop as a fresh array, nothing mapped into memory."""
        check_within(self._path, stop, start, self.size())
        buffer = np.empty(stop - start, dtype=np.uint8)
        self.file.seek(start)
        if self.file.readinto(buffer.data) != buffer.size:
            msg = f"{self._path}: truncated while it was read"
            raise CheckpointError(msg)
        self.check()
        return buffer

    def check(self) -> None:
        """Raise if the file was written to since it was opened. After each read: no later change matters."""
        now = os.fstat(self.file.fileno())
        if changed(self._opened, now):
            raise rewritten(self._path)
        self._opened = now  # it may have got or lost a link

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def check_within(path: object, stop: int, start: int, size: int) -> None:
    """Raise CheckpointError unless a file of `size` bytes has start..stop."""
    if stop > size:
        msg = f"{path}: truncated: bytes {start}..{stop} are needed, the file has {size}"
        raise CheckpointError(msg)
