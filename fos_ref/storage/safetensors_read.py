"""Reading safetensors one piece at a time: nothing is mapped into memory, every read is a fresh array.

The file is 8 bytes of header length, a JSON header, then the tensors' bytes without gaps. The safetensors
package judges the header first; what it lets through (a name given twice) is refused here.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import ml_dtypes
import numpy as np
from safetensors import safe_open

from fos_ref.errors import CheckpointError, DtypeError
from fos_ref.foreign import foreign, shown
from fos_ref.formats.arrays import AnyArray, U8
from fos_ref.outside.files import check_regular
from fos_ref.outside.gguf import is_gguf
from fos_ref.outside.json import read_json
from fos_ref.storage.opened import OpenFile

LENGTH_BYTES = 8
MOST_HEADER = 100_000_000  #: bytes, as the safetensors package has it
METADATA = "__metadata__"

#: Dtypes that `read` returns as values; E4M3 bytes stay bytes. Others can be copied, not read.
NUMPY_DTYPES = MappingProxyType(
    {
        "F32": np.dtype(np.float32),
        "F16": np.dtype(np.float16),
        "BF16": np.dtype(ml_dtypes.bfloat16),
        "U8": np.dtype(np.uint8),
        "F8_E4M3": np.dtype(np.uint8),
    }
)


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor of a safetensors file, as its header describes it."""

    name: str
    dtype: str  #: the format's own name: F32, BF16, U8, F8_E4M3, ...
    shape: tuple[int, ...]
    nbytes: int

    @classmethod
    def of(cls, name: str, dtype: str, shape: tuple[int, ...]) -> TensorInfo:
        """Describe a tensor of one of NUMPY_DTYPES; its byte count follows from the shape."""
        return cls(name, dtype, shape, math.prod(shape) * NUMPY_DTYPES[dtype].itemsize)


class SafetensorsFile(OpenFile):
    """An open safetensors file. Use it as a context manager, from one thread at a time.

    Raises: OSError when the file cannot be opened; CheckpointError when it is truncated, corrupt or hostile,
    and from a read after another program wrote to it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        _check_header(Path(path))
        super().__init__(path)
        try:
            header, data_start = self._read_header()
            self.metadata: dict[str, str] = dict(header.pop(METADATA, None) or {})
            self.tensors: dict[str, TensorInfo] = {}
            self._starts: dict[str, int] = {}
            for name, entry in header.items():
                self._add(name, entry, data_start)
        except BaseException:
            self._file.close()
            raise

    def info(self, name: str) -> TensorInfo:
        """Return the description of one tensor; CheckpointError when there is none of that name."""
        if name not in self.tensors:
            msg = f"{self.path}: no tensor is called {name!r} (the file holds {len(self.tensors)})"
            raise CheckpointError(msg)
        return self.tensors[name]

    def read_bytes(self, name: str, start: int, stop: int) -> U8:
        """Return bytes start..stop of a tensor as a fresh uint8 array."""
        assert 0 <= start <= stop <= self.info(name).nbytes
        return self._read_at(self._starts[name] + start, stop - start)

    def read_values(self, name: str, start: int, stop: int) -> AnyArray:
        """Return values start..stop of a tensor, counted in row-major order, as a fresh 1-D array.

        Dtypes:   float32, float16, bfloat16, uint8; E4M3 as its uint8 bytes. Nothing is converted.
        Raises:   DtypeError for another dtype; CheckpointError when the file ends early.
        """
        dtype = NUMPY_DTYPES.get(self.info(name).dtype)
        if dtype is None:
            allowed = ", ".join(sorted(NUMPY_DTYPES))
            msg = f"{name!r} has dtype {self.info(name).dtype}: one of {allowed} is allowed"
            raise DtypeError(msg)
        return self.read_bytes(name, start * dtype.itemsize, stop * dtype.itemsize).view(dtype)

    def read(self, name: str) -> AnyArray:
        """Return a whole tensor in its shape. Dtypes and errors as `read_values`."""
        shape = self.info(name).shape
        return self.read_values(name, 0, math.prod(shape)).reshape(shape)

    def _read_header(self) -> tuple[dict[str, Any], int]:
        length = int.from_bytes(self._read_at(0, LENGTH_BYTES).tobytes(), "little")
        raw = self._read_at(LENGTH_BYTES, length).tobytes()
        header = read_json(
            raw, f"{self.path}: not a usable safetensors file", CheckpointError, most=MOST_HEADER
        )
        return header, LENGTH_BYTES + length

    def _add(self, name: str, entry: Any, data_start: int) -> None:
        if not isinstance(entry, dict):  # the package takes a list of the three parts too
            msg = f"{self.path}: {shown(name)} is described by {shown(entry)}: an object is allowed"
            raise CheckpointError(msg)
        start, stop = entry["data_offsets"]
        self.tensors[name] = TensorInfo(name, entry["dtype"], tuple(entry["shape"]), stop - start)
        self._starts[name] = data_start + start


def _check_header(path: Path) -> None:
    """Let the safetensors package judge the header: lengths, JSON, offsets, shapes, dtypes, coverage."""
    check_regular(path, CheckpointError)
    path.open("rb").close()  # one that may not be read is an OSError that names it
    if is_gguf(path):
        msg = f"{path}: a GGUF file: one of safetensors is allowed here; `fos inspect` reads both"
        raise CheckpointError(msg)
    what = f"{path}: not a usable safetensors file"
    with foreign(what, "a whole one is allowed", CheckpointError), safe_open(str(path), framework="numpy"):
        pass
