"""A checkpoint to read from: one safetensors file, or the shards that an index names."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from fos_ref.errors import CheckpointError
from fos_ref.formats.arrays import AnyArray, U8
from fos_ref.storage.closing import Closing
from fos_ref.storage.manifest import CONFIG_KEY
from fos_ref.storage.safetensors_read import SafetensorsFile, TensorInfo

#: Files beside the weights in which the two conventions' readers look for the configuration.
CONFIG_FILES = ("hf_quant_config.json", "config.json")
_INDEX_SUFFIX = ".json"
_MAP = "weight_map"


class Shards(Closing):
    """The tensors of a checkpoint by name, whichever file holds them. Use it as a context manager.

    `path` is a safetensors file, or a `*.safetensors.index.json` whose weight_map names files beside it.
    Raises: OSError; CheckpointError for a file that is corrupt, an index that is none, or a tensor that the
    index names and its shard does not hold.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.tensors: dict[str, TensorInfo] = {}
        self.metadata: dict[str, str] = {}
        self._files: dict[str, SafetensorsFile] = {}
        self._of: dict[str, SafetensorsFile] = {}
        try:
            self._open(_weight_map(self.path) if self.path.suffix == _INDEX_SUFFIX else None)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close every file."""
        for file in self._files.values():
            file.close()

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
        own = _object(self.metadata.get(CONFIG_KEY, ""))
        if own is not None:
            return "the metadata", own
        for name in CONFIG_FILES:
            path = self.path.with_name(name)
            found = _object(path.read_text(encoding="utf-8", errors="replace")) if path.is_file() else None
            inner = (found or {}).get(
                "quantization_config", found if "quantization" in (found or {}) else None
            )
            if isinstance(inner, dict):
                return name, inner
        return None

    def _open(self, weight_map: dict[str, str] | None) -> None:
        names = [self.path.name] if weight_map is None else sorted(set(weight_map.values()))
        for name in names:
            file = SafetensorsFile(self.path.with_name(name))
            self._files[name] = file
            self.metadata.update(file.metadata)
            for tensor, info in file.tensors.items():
                if weight_map is None or weight_map.get(tensor) == name:
                    self.tensors[tensor], self._of[tensor] = info, file
        missing = sorted(set(weight_map or ()) - set(self.tensors))
        if missing:
            assert weight_map is not None
            msg = f"{self.path}: {missing[0]!r} is not in {weight_map[missing[0]]!r}, where the index puts it"
            raise CheckpointError(msg)


def _weight_map(path: Path) -> dict[str, str]:
    """Return the index: tensor -> file name in the same folder."""
    index = (_object(path.read_text(encoding="utf-8", errors="replace")) or {}).get(_MAP)
    plain = isinstance(index, dict) and all(
        isinstance(file, str) and Path(file).name == file for file in index.values()
    )
    if not plain or not index:
        msg = f"{path}: not an index: a JSON object whose {_MAP} names a file beside it for each tensor"
        raise CheckpointError(msg)
    found: dict[str, str] = index
    return found


def _object(text: str) -> dict[str, Any] | None:
    """Return the JSON object in `text`; None for anything else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
