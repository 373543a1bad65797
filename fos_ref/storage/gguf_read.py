"""Reading GGUF one piece at a time, with the face of the reader of safetensors: no mapping, fresh arrays.

A tensor of NVFP4 or MXFP4 has its block scales among its codes: storage/gguf_blocks.py takes them apart.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from types import MappingProxyType

from fos_ref.errors import CheckpointError
from fos_ref.outside.gguf import read_gguf_header, read_gguf_texts
from fos_ref.storage.opened import OpenFile
from fos_ref.storage.ranges import LocalBytes
from fos_ref.storage.tensor_info import NUMPY_DTYPES, TensorInfo

READ_DTYPES = ("BF16", "F16", "F32")  #: types of ggml that `read_values` returns as values
_SPLIT = re.compile(r"(?P<stem>.*)-(?P<number>[0-9]{5})-of-(?P<count>[0-9]{5})\.gguf", re.DOTALL)


class GgufFile(OpenFile):
    """An open GGUF file. Use it as a context manager, from one thread at a time.

    metadata: texts and numbers of the header as text: "general.architecture", "llama.block_count"
    tensors:  by name; `dtype` is ggml's name of the type ("F32", "NVFP4", "Q4_K"), `shape` has the rows first

    Raises: OSError when the file cannot be opened; CheckpointError when it is truncated, corrupt or hostile,
    and from a read after another program wrote to it; ToolchainError when the package `gguf` is missing.
    """

    dtypes = MappingProxyType({name: NUMPY_DTYPES[name] for name in READ_DTYPES})

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._local = local = LocalBytes(Path(path))
        super().__init__(path, local)
        try:
            header = read_gguf_header(local.file, local.size(), self.path, CheckpointError)
            local.check()
        except BaseException:
            self.close()
            raise
        self.metadata: dict[str, str] = header.metadata
        self.tensors = {t.name: TensorInfo(t.name, t.type, t.shape, t.nbytes) for t in header.tensors}
        self._starts = {t.name: t.start for t in header.tensors}

    def texts(self, *keys: str) -> dict[str, list[str]]:
        """Return lists of texts of the header by name, those that are there: a vocabulary, its merges."""
        found = read_gguf_texts(self._local.file, self._local.size(), self.path, keys, CheckpointError)
        self._local.check()
        return found


def split_names(name: str) -> list[str]:
    """Return the names of all files of a model that llama.cpp split (X-00001-of-00003.gguf); [] of no other.

    Each of them is a whole GGUF file with tensors of its own.
    """
    found = _SPLIT.fullmatch(name)
    count = int(found["count"]) if found else 0
    if found is None or not 1 <= int(found["number"]) <= count:
        return []
    return [f"{found['stem']}-{n:05d}-of-{found['count']}.gguf" for n in range(1, count + 1)]
