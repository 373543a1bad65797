"""A file in object storage as bytes by place: ranges, several at once where much is asked for."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from fos_ref.errors import CheckpointError
from fos_ref.formats.arrays import U8
from fos_ref.storage.ranges import check_within

RANGE = 1 << 24  #: bytes of one request at most
IN_FLIGHT = 4  #: requests at once


class Fetched:
    """See `Bytes`. ranged: returns bytes start..stop by one request; it may be called from several threads.

    Nothing of a file is kept. A request that brings fewer bytes than it asked for is a CheckpointError.
    """

    def __init__(self, path: Path, size: int, ranged: Callable[[int, int], bytes]) -> None:
        self._path = path
        self._size = size
        self._ranged = ranged

    def size(self) -> int:
        """Return how many bytes the file had when it was opened."""
        return self._size

    def read(self, start: int, stop: int) -> U8:
        """Return bytes start..stop, in ranges of at most RANGE."""
        check_within(self._path, stop, start, self._size)
        buffer = np.empty(stop - start, dtype=np.uint8)

        def fetch(at: int) -> None:
            end = min(at + RANGE, stop)
            found = self._ranged(at, end)
            if len(found) != end - at:
                msg = f"{self._path}: truncated: bytes {at}..{end} are needed, {len(found)} came"
                raise CheckpointError(msg)
            buffer[at - start : end - start] = np.frombuffer(found, dtype=np.uint8)

        places = range(start, stop, RANGE)
        if len(places) <= 1:
            for at in places:
                fetch(at)
            return buffer
        with ThreadPoolExecutor(min(IN_FLIGHT, len(places))) as pool:
            for _ in pool.map(fetch, places):
                pass
        return buffer

    def close(self) -> None:
        """Do nothing: no connection is held."""
