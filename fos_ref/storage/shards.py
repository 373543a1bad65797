"""A checkpoint to read from: one file, or the shards that an index names, or the folder that has them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from fos_ref.errors import CheckpointError
from fos_ref.foreign import shown
from fos_ref.formats.arrays import AnyArray, U8
from fos_ref.outside.gguf import is_gguf
from fos_ref.outside.json import read_json, read_json_file
from fos_ref.storage.closing import Closing
from fos_ref.storage.gguf_read import GgufFile, split_names
from fos_ref.storage.located import located
from fos_ref.storage.manifest import CONFIG_KEY
from fos_ref.storage.safetensors_read import SafetensorsFile
from fos_ref.storage.tensor_info import TensorInfo

#: Files beside the weights in which the two conventions' readers look for the configuration.
CONFIG_FILES = ("hf_quant_config.json", "config.json")
_INDEX_SUFFIX = ".json"
_MAP = "weight_map"
_LONGEST = 255  #: bytes of a file's name
#: Paths, the folders "." and "..", and what another system takes for a device.
_NO_FILE = re.compile(r"[/\\:]|\A\.{1,2}\Z|\A(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|\Z)", re.IGNORECASE)


class Shards(Closing):
    """The tensors of a checkpoint by name, whichever file holds them. Use it as a context manager.

    `path` is a safetensors or GGUF file, a `*.safetensors.index.json` whose weight_map names files beside it,
    or a folder (see located.py). A GGUF file that was split is read with its other parts.

    Raises: OSError; CheckpointError for a file that is corrupt, an index that is none, or a tensor that the
    index names and its shard does not hold; ToolchainError for GGUF without its package.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._start(located(Path(path)))
        try:
            self._open(_weight_map(self.path) if self.path.suffix == _INDEX_SUFFIX else None)
        except BaseException:
            self.close()
            raise

    @classmethod
    def of(cls, path: Path, files: Mapping[str, SafetensorsFile], holders: Mapping[str, str]) -> Shards:
        """Return open files as one checkpoint, of which it has some tensors: those of `holders`.

        path: what it is called; holders: tensor -> the name of the file that holds it
        """
        made = cls.__new__(cls)
        made._start(path)  # noqa: SLF001 -- its own class
        made._hold(files, holders)  # noqa: SLF001
        return made

    def close(self) -> None:
        """Close every file."""
        for file in self._files.values():
            file.close()

    @property
    def files(self) -> tuple[SafetensorsFile | GgufFile, ...]:
        """The files, in the order of their names."""
        return tuple(self._files.values())

    def file_of(self, name: str) -> SafetensorsFile | GgufFile:
        """Return the file that holds a tensor."""
        return self._of[name]

    def info(self, name: str) -> TensorInfo:
        """Return the description of one tensor; CheckpointError when there is none of that name."""
        if name not in self.tensors:
            msg = f"{self.path}: no tensor is called {name!r} (the checkpoint holds {len(self.tensors)})"
            raise CheckpointError(msg)
        return self.tensors[name]

    def read(self, name: str) -> AnyArray:
        """Return a whole tensor in its shape as `SafetensorsFile.read` does."""
        self.info(name)
        return self._of[name].read(name)

    def read_bytes(self, name: str, start: int, stop: int) -> U8:
        """Return bytes start..stop of a tensor as a fresh uint8 array."""
        return self._of[name].read_bytes(name, start, stop)

    def read_values(self, name: str, start: int, stop: int) -> AnyArray:
        """Return values start..stop of a tensor as `SafetensorsFile.read_values` does."""
        return self._of[name].read_values(name, start, stop)

    def configuration(self) -> tuple[str, dict[str, Any]] | None:
        """Return (where it stands, quantization configuration): from the metadata, or from a file beside it.

        None where there is none or it cannot be read: it is a hint, not part of the weights.
        """
        own = _object(partial(read_json, self.metadata.get(CONFIG_KEY, ""), self.path, CheckpointError))
        if own is not None:
            return "the metadata", own
        for name in CONFIG_FILES:
            path = self.path.with_name(name)
            found = _object(partial(read_json_file, path, CheckpointError))
            inner = (found or {}).get(
                "quantization_config", found if "quantization" in (found or {}) else None
            )
            if isinstance(inner, dict):
                return name, inner
        return None

    def _start(self, path: Path) -> None:
        self.path = path
        self.tensors: dict[str, TensorInfo] = {}
        self.metadata: dict[str, str] = {}  #: of all files; where they differ, of the last one
        self._files: dict[str, SafetensorsFile | GgufFile] = {}
        self._of: dict[str, SafetensorsFile | GgufFile] = {}

    def _hold(self, files: Mapping[str, SafetensorsFile], holders: Mapping[str, str]) -> None:
        self._files.update(files)
        for file in files.values():
            self.metadata.update(file.metadata)
        for tensor, name in holders.items():
            self._add(tensor, files[name].info(tensor), files[name])

    def _open(self, weight_map: dict[str, str] | None) -> None:
        for name in self._names(weight_map):
            path = self.path.with_name(name)
            file = GgufFile(path) if is_gguf(path) else SafetensorsFile(path)
            self._files[name] = file
            self.metadata.update(file.metadata)
            for tensor, info in file.tensors.items():
                if weight_map is None or weight_map.get(tensor) == name:
                    self._add(tensor, info, file)
        missing = sorted(set(weight_map or ()) - set(self.tensors))
        if missing:
            assert weight_map is not None
            msg = f"{self.path}: {missing[0]!r} is not in {weight_map[missing[0]]!r}, where the index puts it"
            raise CheckpointError(msg)

    def _names(self, weight_map: dict[str, str] | None) -> list[str]:
        if weight_map is not None:
            return sorted(set(weight_map.values()))
        return split_names(self.path.name) or [self.path.name]

    def _add(self, tensor: str, info: TensorInfo, file: SafetensorsFile | GgufFile) -> None:
        if tensor in self.tensors:
            other = self.file_of(tensor).path.name
            msg = f"{file.path}: {shown(tensor)} is in {other} too: one of them is allowed"
            raise CheckpointError(msg)
        self.tensors[tensor], self._of[tensor] = info, file


def _weight_map(path: Path) -> dict[str, str]:
    """Return the index: tensor -> file name in the same folder."""
    return weight_map_of(read_json_file(path, CheckpointError), path)


def weight_map_of(document: Any, path: Path) -> dict[str, str]:
    """Return the weight_map of an index. Raises: CheckpointError for a document that is none."""
    index = document.get(_MAP) if isinstance(document, dict) else None
    if not isinstance(index, dict) or not index:
        msg = f"{path}: not an index: a JSON object whose {_MAP} names a file beside it for each tensor"
        raise CheckpointError(msg)
    for tensor, file in index.items():
        if not _is_file_name(file):
            msg = (
                f"{path}: not an index: {_MAP} puts {shown(tensor)} into {shown(file)}: "
                "the name of a file beside it is allowed"
            )
            raise CheckpointError(msg)
    found: dict[str, str] = index
    return found


def _is_file_name(name: object) -> bool:
    """Return whether a shard may have this name: one that every file system takes, and no path."""
    return (
        isinstance(name, str)
        and 0 < len(name.encode("utf-8", "surrogatepass")) <= _LONGEST
        and name.isprintable()
        and not _NO_FILE.search(name)
    )


def _object(read: Callable[[], Any]) -> dict[str, Any] | None:
    """Return the JSON object that `read` reads; None for anything else."""
    try:
        value = read()
    except (CheckpointError, OSError):
        return None
    return value if isinstance(value, dict) else None
