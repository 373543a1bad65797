"""One shard as it is read: one matrix in memory where it fits, pieces of it elsewhere.

A tensor is read twice, for its amax and for its codes. A matrix that fits is held between the two, so that
it is read once; of a longer one each piece of PIECE bytes is read when it is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from fos_ref.errors import DtypeError
from fos_ref.formats.arrays import AnyArray, U8
from fos_ref.storage.safetensors_read import SafetensorsFile
from fos_ref.storage.tensor_info import NUMPY_DTYPES, TensorInfo

PIECE = 1 << 24  #: bytes of one read of what is not held
HOLD = 1 << 30  #: bytes of a matrix that is held at most, unless told otherwise
_NOTHING = np.empty(0, dtype=np.uint8)


class Window:
    """A shard and what of it is in memory. hold: bytes of a matrix that fits."""

    def __init__(self, file: SafetensorsFile, hold: int = HOLD) -> None:
        self._file = file
        self._hold = hold
        self._name, self._start, self._data = "", 0, _NOTHING

    @property
    def path(self) -> Path:
        """Where the shard lies."""
        return self._file.path

    @property
    def metadata(self) -> Mapping[str, str]:
        """The texts of its header."""
        return self._file.metadata

    @property
    def tensors(self) -> Mapping[str, TensorInfo]:
        """Its tensors, in the order of their bytes."""
        return dict(self._in_order())

    def file_of(self, name: str, /) -> SafetensorsFile:  # noqa: ARG002 -- there is one
        """Return the file that holds a tensor."""
        return self._file

    def take(self, name: str, start: int, stop: int) -> None:
        """Hold bytes start..stop of a tensor if they fit; what was held before is let go first."""
        self.release()
        if stop - start <= self._hold:
            self._load(name, start, stop)

    def release(self) -> None:
        """Hold nothing."""
        self._name, self._start, self._data = "", 0, _NOTHING

    def read_values(self, name: str, start: int, stop: int) -> AnyArray:
        """Return values start..stop of a tensor, counted in row-major order, as a 1-D array.

        Raises: DtypeError for a dtype that is not read as values.
        """
        dtype = NUMPY_DTYPES.get(self._file.info(name).dtype)
        if dtype is None:
            msg = f"{name!r} has dtype {self._file.info(name).dtype}: {', '.join(NUMPY_DTYPES)} are allowed"
            raise DtypeError(msg)
        return self.read_bytes(name, start * dtype.itemsize, stop * dtype.itemsize).view(dtype)

    def read_bytes(self, name: str, start: int, stop: int, /) -> U8:
        """Return bytes start..stop of a tensor: a copy, or all that is held, without one."""
        if name != self._name or start < self._start or stop > self._start + self._data.size:
            self.release()
            whole = self._file.info(name).nbytes
            self._load(name, start, min(max(stop, start + PIECE), whole))
        if (start, stop) == (self._start, self._start + self._data.size):
            return self._data
        return self._data[start - self._start : stop - self._start].copy()

    def _load(self, name: str, start: int, stop: int) -> None:
        data = self._file.read_bytes(name, start, stop)
        self._name, self._start, self._data = name, start, data

    def _in_order(self) -> Iterator[tuple[str, TensorInfo]]:
        yield from sorted(self._file.tensors.items(), key=lambda item: self._file.start(item[0]))
