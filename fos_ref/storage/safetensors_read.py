"""Reading safetensors one piece at a time: nothing is mapped into memory, every read is a fresh array.

The file is 8 bytes of header length, a JSON header, then the tensors' bytes without gaps. The safetensors
package judges the header first; what it lets through (a name given twice) is refused here.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import safe_open

from fos_ref.errors import CheckpointError
from fos_ref.foreign import foreign, shown
from fos_ref.formats.arrays import U8
from fos_ref.outside.files import check_regular
from fos_ref.outside.gguf import is_gguf
from fos_ref.outside.json import read_json
from fos_ref.outside.safetensors import check_header
from fos_ref.storage.opened import OpenFile
from fos_ref.storage.ranges import Bytes
from fos_ref.storage.tensor_info import NUMPY_DTYPES, TensorInfo

LENGTH_BYTES = 8
MOST_HEADER = 100_000_000  #: bytes, as the safetensors package has it
METADATA = "__metadata__"


class SafetensorsFile(OpenFile):
    """An open safetensors file. Use it as a context manager, from one thread at a time.

    held: its bytes where it is no file of this machine; its header is then judged by our own rules
          (fos_ref/outside/safetensors.py): the package wants a local file
    Raises: OSError when the file cannot be opened; CheckpointError when it is truncated, corrupt or hostile,
    and from a read after another program wrote to it.
    """

    dtypes = NUMPY_DTYPES  #: E4M3 bytes stay bytes

    def __init__(self, path: str | os.PathLike[str], held: Bytes | None = None) -> None:
        if held is None:
            _check_header(Path(path))
        super().__init__(path, held)
        try:
            header, data_start = self._read_header()
            if held is not None:
                check_header(header, held.size() - data_start, self.path)
            self.metadata: dict[str, str] = dict(header.pop(METADATA, None) or {})
            self.tensors: dict[str, TensorInfo] = {}
            self._starts: dict[str, int] = {}
            for name, entry in header.items():
                self._add(name, entry, data_start)
        except BaseException:
            self.close()
            raise

    def _read_header(self) -> tuple[dict[str, Any], int]:
        raw, data_start = header_bytes(self._read_at, self.path)
        return read_header(raw, self.path), data_start

    def _add(self, name: str, entry: Any, data_start: int) -> None:
        if not isinstance(entry, dict):  # the package takes a list of the three parts too
            msg = f"{self.path}: {shown(name)} is described by {shown(entry)}: an object is allowed"
            raise CheckpointError(msg)
        start, stop = entry["data_offsets"]
        self.tensors[name] = TensorInfo(name, entry["dtype"], tuple(entry["shape"]), stop - start)
        self._starts[name] = data_start + start


def header_bytes(read: Callable[[int, int], U8], path: Path) -> tuple[bytes, int]:
    """Return the header of a file and where its tensors begin, by two reads (offset, count).

    Raises: CheckpointError where it is none.
    """
    length = int.from_bytes(read(0, LENGTH_BYTES).tobytes(), "little")
    if length > MOST_HEADER:
        what = f"{path}: not a usable safetensors file"
        msg = f"{what}: a header of {length:,} bytes: at most {MOST_HEADER:,} are allowed"
        raise CheckpointError(msg)
    return read(LENGTH_BYTES, length).tobytes(), LENGTH_BYTES + length


def read_header(raw: bytes, path: Path) -> dict[str, Any]:
    """Return a header as JSON has it. Raises: CheckpointError."""
    found = read_json(raw, f"{path}: not a usable safetensors file", CheckpointError, most=MOST_HEADER)
    if not isinstance(found, dict):
        msg = f"{path}: not a usable safetensors file: its header is {shown(found)}: an object is allowed"
        raise CheckpointError(msg)
    return found


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
