"""What a loader needs beside the weights, and which checkpoints hold tensors that can be copied."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from fos_ref.errors import CheckpointError
from fos_ref.outside.gguf import is_gguf
from fos_ref.storage.located import located
from fos_ref.storage.safetensors_read import SafetensorsFile
from fos_ref.storage.shards import Shards

#: Tokenizers, templates, configurations, and the code of a model that brings its own.
_SIDE = ("tokenizer*", "*.json", "*.txt", "*.model", "*.jinja", "*.py")
_NOT_SIDE = ("*.index.json", "*.safetensors", "*.bin", "*.pt", "*.pth", "*.gguf")


def safetensors_at(path: Path) -> Path:
    """Return the file to open: `path`, or what a folder holds.

    Raises: CheckpointError for GGUF, and as `located`.
    """
    found = located(path)
    _refuse_gguf(found)
    return found


def safetensors_of(shards: Shards) -> list[SafetensorsFile]:
    """Return the files of a checkpoint; CheckpointError where an index names one of GGUF."""
    for file in shards.files:
        _refuse_gguf(file.path)
    return [f for f in shards.files if isinstance(f, SafetensorsFile)]


def _refuse_gguf(path: Path) -> None:
    if is_gguf(path):
        msg = f"{path}: a GGUF file: one of safetensors is allowed here; `fos inspect` reads both"
        raise CheckpointError(msg)


def side_files(folder: Path, taken: frozenset[str]) -> list[str]:
    """Return the names of the small files that go with the weights, those of `taken` left out."""
    names = (p.name for p in folder.iterdir())
    return [name for name in side_names(names, taken) if (folder / name).is_file()]


def side_names(names: Iterable[str], taken: Collection[str]) -> list[str]:
    """Return those of some names, in order, that files beside the weights of a model have."""
    return [
        name
        for name in sorted(names)
        if name not in taken
        and any(fnmatchcase(name, g) for g in _SIDE)
        and not any(fnmatchcase(name, g) for g in _NOT_SIDE)
    ]
