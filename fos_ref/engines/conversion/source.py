"""What is read: the weights, the folder that they lie in, and what it says about the model."""

from __future__ import annotations

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
        if not isinstance(found, dict):
            msg = f"{path}: not the configuration of a model: a JSON object is allowed"
            raise CheckpointError(msg)
        return found

    def model_to_write(self) -> dict[str, Any] | None:
        """Return the same, for a config.json that says how the weights were quantized.

        Raises: CheckpointError where it says so already.
        """
        found = self.model()
        if found is not None and "quantization_config" in found:
            msg = f"{self.folder / CONFIG} has a quantization_config: the weights are quantized already"
            raise CheckpointError(msg)
        return found

    def inputs_lie_transposed(self) -> bool:
        """Return whether the configuration says that experts lie as (E, K, N)."""
        model = self.model() or {}
        text = model.get("text_config")
        kinds = [m.get("model_type") for m in (model, text) if isinstance(m, dict)]
        return any(isinstance(k, str) and k in _IN_OUT for k in kinds)

    def side_files(self, shards: frozenset[str]) -> list[str]:
        """Return the names of the files that a folder's loader needs besides: tokenizer, code, templates."""
        return side_files(self.folder, shards | {CONFIG, MODELOPT_CONFIG, self.file.name})
