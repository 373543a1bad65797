"""Bytes whose digest is taken while they are read: a second read of a shard costs as much as the first."""

from __future__ import annotations

import hashlib

from fos_ref.formats.arrays import U8
from fos_ref.storage.ranges import Bytes


class Hashed:
    """See `Bytes`. Reads come in any order; the digest goes on where one reaches further than before.

    count: how many bytes were read, those that were read twice twice
    """

    def __init__(self, inner: Bytes) -> None:
        self._inner = inner
        self._found = hashlib.sha256()
        self._at = 0
        self.count = 0

    def size(self) -> int:
        """Return how many bytes the file has."""
        return self._inner.size()

    def read(self, start: int, stop: int) -> U8:
        """Return bytes start..stop."""
        data = self._inner.read(start, stop)
        self.count += data.size
        if start <= self._at < stop:
            self._found.update(data[self._at - start :].data)
            self._at = stop
        return data

    def sha256(self) -> str:
        """Return the digest of the whole file; what no read has reached is read now."""
        step = 1 << 24
        while self._at < self.size():
            self.read(self._at, min(self._at + step, self.size()))
        return self._found.hexdigest()

    def close(self) -> None:
        """Close the file."""
        self._inner.close()
