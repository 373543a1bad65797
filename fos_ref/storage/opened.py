"""A file that is open for reading: bytes by place, each into a fresh array, nothing mapped into memory.

The readers of safetensors and of GGUF derive from it: they know which tensors there are and where they begin.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from fos_ref.errors import CheckpointError, DtypeError
from fos_ref.formats.arrays import AnyArray, U8
from fos_ref.storage.closing import Closing
from fos_ref.storage.ranges import Bytes, LocalBytes
from fos_ref.storage.tensor_info import TensorInfo

_HASHED = 1 << 24  #: bytes read at once for a digest


class OpenFile(Closing):
    """A file that is open, and stays as it was when it was opened, or a read says so.

    path: where it lies, for messages too
    held: its bytes where it is no file of this machine; it is closed with this
    Raises: OSError when the file cannot be opened; CheckpointError when it is no regular file.
    """

    dtypes: ClassVar[
        Mapping[str, np.dtype[Any]]
    ]  #: those whose values are read, by the format's name of them
    tensors: dict[str, TensorInfo]
    _starts: dict[str, int]  #: where each tensor's bytes begin

    def __init__(self, path: str | os.PathLike[str], held: Bytes | None = None) -> None:
        self.path = path if isinstance(path, Path) else Path(path)
        self._bytes: Bytes = held or LocalBytes(self.path)

    def close(self) -> None:
        """Close the file; later reads fail."""
        self._bytes.close()

    def info(self, name: str) -> TensorInfo:
        """Return the description of one tensor; CheckpointError when there is none of that name."""
        if name not in self.tensors:
            msg = f"{self.path}: no tensor is called {name!r} (the file holds {len(self.tensors)})"
            raise CheckpointError(msg)
        return self.tensors[name]

    def start(self, name: str) -> int:
        """Return where the bytes of a tensor begin in the file."""
        return self._starts[self.info(name).name]

    def read_bytes(self, name: str, start: int, stop: int) -> U8:
        """Return bytes start..stop of a tensor as a fresh uint8 array."""
        assert 0 <= start <= stop <= self.info(name).nbytes
        return self._read_at(self._starts[name] + start, stop - start)

    def read_values(self, name: str, start: int, stop: int) -> AnyArray:
        """Return values start..stop of a tensor, counted in row-major order, as a fresh 1-D array.

        Dtypes:   those of `dtypes`. Nothing is converted.
        Raises:   DtypeError for another dtype; CheckpointError when the file ends early.
        """
        dtype = self.dtypes.get(self.info(name).dtype)
        if dtype is None:
            allowed = ", ".join(sorted(self.dtypes))
            msg = f"{name!r} has dtype {self.info(name).dtype}: one of {allowed} is allowed"
            raise DtypeError(msg)
        return self.read_bytes(name, start * dtype.itemsize, stop * dtype.itemsize).view(dtype)

    def read(self, name: str) -> AnyArray:
        """Return a whole tensor in its shape. Dtypes and errors as `read_values`."""
        shape = self.info(name).shape
        return self.read_values(name, 0, math.prod(shape)).reshape(shape)

    def sha256(self) -> str:
        """Return the digest of the whole file."""
        found, size = hashlib.sha256(), self._bytes.size()
        for start in range(0, size, _HASHED):
            found.update(self._bytes.read(start, min(start + _HASHED, size)).data)
        return found.hexdigest()

    def _read_at(self, offset: int, count: int) -> U8:
        """Return `count` bytes. Raises: CheckpointError where the file has fewer, or was written to."""
        return self._bytes.read(offset, offset + count)
