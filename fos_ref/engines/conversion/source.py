"""What is read: the weights, the folder that they lie in, and what it says about the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fos_ref.errors import CheckpointError
from fos_ref.outside.json import read_json_file
from fos_ref.storage.folders import safetensors_at, side_files
from fos_ref.storage.reader_config import CONFIG, MODELOPT_CONFIG

_INDEX = ".json"  #: of an index of shards, as Shards tells it
#: Models whose experts transformers stores as (E, K, N), inputs before outputs.
_IN_OUT = frozenset({"gpt_oss", "llama4", "llama4_text"})


@dataclass(frozen=True, slots=True)
class Origin:
    """A checkpoint as it was named, and the file of it that is opened."""

    path: Path  #: as it was given
    file: Path  #: a safetensors file or an index

    @classmethod
    def of(cls, path: Path) -> Origin:
        """Look at what `path` is. Raises: CheckpointError and OSError as `safetensors_at`."""
        return cls(path, safetensors_at(path))

    @property
    def is_folder(self) -> bool:
        """Whether it becomes a folder: a folder, and shards that an index names."""
        return self.file != self.path or self.file.suffix == _INDEX

    @property
    def has_index(self) -> bool:
        """Whether an index names its shards."""
        return self.file.suffix == _INDEX

    @property
    def folder(self) -> Path:
        """Where the weights lie."""
        return self.file.parent

    def model(self) -> dict[str, Any] | None:
        """Return the config.json beside the weights, None without one; CheckpointError for a bad one."""
        path = self.folder / CONFIG
        if not path.exists():
            return None
        found = read_json_file(path, CheckpointError, infinite=True)  # Mamba's have limits of infinity
        return as_model(found, path)

    def model_to_write(self) -> dict[str, Any] | None:
        """Return the same, for a config.json that says how the weights were quantized.

        Raises: CheckpointError where it says so already.
        """
        return unquantized(self.model(), self.folder / CONFIG)

    def inputs_lie_transposed(self) -> bool:
        """Return whether the configuration says that experts lie as (E, K, N)."""
        return inputs_lie_transposed(self.model() or {})

    def side_files(self, shards: frozenset[str]) -> list[str]:
        """Return the names of the files that a folder's loader needs besides: tokenizer, code, templates."""
        return side_files(self.folder, shards | {CONFIG, MODELOPT_CONFIG, self.file.name})


def as_model(found: Any, path: Path) -> dict[str, Any]:
    """Return the content of a config.json. Raises: CheckpointError for a document that is no object."""
    if not isinstance(found, dict):
        msg = f"{path}: not the configuration of a model: a JSON object is allowed"
        raise CheckpointError(msg)
    return found


def unquantized(model: dict[str, Any] | None, path: Path) -> dict[str, Any] | None:
    """Return the configuration. Raises: CheckpointError where it says how the weights were quantized."""
    if model is not None and "quantization_config" in model:
        msg = f"{path} has a quantization_config: the weights are quantized already"
        raise CheckpointError(msg)
    return model


def inputs_lie_transposed(model: Mapping[str, Any]) -> bool:
    """Return whether a configuration says that experts lie as (E, K, N)."""
    text = model.get("text_config")
    kinds = [m.get("model_type") for m in (model, text) if isinstance(m, Mapping)]
    return any(isinstance(k, str) and k in _IN_OUT for k in kinds)
