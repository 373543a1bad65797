"""Reading safetensors one piece at a time: nothing is mapped into memory, every read is a fresh array.

The file is 8 bytes of header length, a JSON header, then the tensors' bytes without gaps. The safetensors
package judges the header first; what it lets through (a name given twice) is refused here.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from safetensors import safe_open

from fos_ref.errors import CheckpointError
from fos_ref.foreign import foreign, shown
from fos_ref.outside.files import check_regular
from fos_ref.outside.gguf import is_gguf
from fos_ref.outside.json import read_json
from fos_ref.storage.opened import OpenFile
from fos_ref.storage.tensor_info import NUMPY_DTYPES, TensorInfo

LENGTH_BYTES = 8
MOST_HEADER = 100_000_000  #: bytes, as the safetensors package has it
METADATA = "__metadata__"


class SafetensorsFile(OpenFile):
    """An open safetensors file. Use it as a context manager, from one thread at a time.

    Raises: OSError when the file cannot be opened; CheckpointError when it is truncated, corrupt or hostile,
    and from a read after another program wrote to it.
    """

    dtypes = NUMPY_DTYPES  #: E4M3 bytes stay bytes

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
