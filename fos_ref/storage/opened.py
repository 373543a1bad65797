"""A file that is open for reading: bytes by place, each into a fresh array, nothing mapped into memory.

The readers of safetensors and of GGUF derive from it: they know which tensors there are and where they begin.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np

from fos_ref.errors import CheckpointError
from fos_ref.formats.arrays import U8
from fos_ref.outside.files import check_regular
from fos_ref.storage.closing import Closing
from fos_ref.storage.unchanged import changed, rewritten, settled


class OpenFile(Closing):
    """A regular file that is open, and stays as it was when it was opened, or a read says so.

    Raises: OSError when the file cannot be opened; CheckpointError when it is no regular file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        check_regular(self.path, CheckpointError)
        self._file = self.path.open("rb")
        try:
            self._opened = settled(self._file.fileno())
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Close the file; later reads fail."""
        self._file.close()

    def sha256(self) -> str:
        """Return the digest of the whole file."""
        self._file.seek(0)
        found = hashlib.file_digest(self._file, "sha256").hexdigest()
        self._check_unchanged()
        return found

    def _read_at(self, offset: int, count: int) -> U8:
        """Return `count` bytes. Raises: CheckpointError where the file has fewer, or was written to."""
        size = os.fstat(self._file.fileno()).st_size
        if offset + count > size:
            msg = f"{self.path}: truncated: bytes {offset}..{offset + count} are needed, the file has {size}"
            raise CheckpointError(msg)
        buffer = np.empty(count, dtype=np.uint8)
        self._file.seek(offset)
        if self._file.readinto(buffer.data) != count:
            msg = f"{self.path}: truncated while it was read"
            raise CheckpointError(msg)
        self._check_unchanged()
        return buffer

    def _check_unchanged(self) -> None:
        """Raise if the file was written to since it was opened. After each read: no later change matters."""
        now = os.fstat(self._file.fileno())
        if changed(self._opened, now):
            raise rewritten(self.path)
        self._opened = now  # it may have got or lost a link
