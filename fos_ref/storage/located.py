"""Where a checkpoint lies: a file, an index of shards, or a folder that has one or the other."""

from __future__ import annotations

from pathlib import Path

from fos_ref.errors import CheckpointError
from fos_ref.errors.text import listed

SAFETENSORS, GGUF, INDEX = ".safetensors", ".gguf", ".safetensors.index.json"
_USUAL = ("model", "diffusion_pytorch_model")  #: taken first where a folder has several


def located(path: Path) -> Path:
    """Return the file to open: `path` itself, or what a folder holds.

    A folder's index comes first, then its only safetensors file, then its only GGUF file (or the first part
    of a split one). Raises: CheckpointError for a folder with none or several of them.
    """
    if not path.is_dir():
        return path
    files = sorted(p for p in path.iterdir() if p.is_file())
    for suffix in (INDEX, SAFETENSORS, GGUF):
        found = [p for p in files if p.name.endswith(suffix)]
        usual = [p for name in _USUAL for p in found if p.name == f"{name}{suffix}"]
        parts = [p for p in found if "-00001-of-" in p.name] if suffix == GGUF else []
        if len(found) == 1 or usual or len(parts) == 1:
            return (usual or (found if len(found) == 1 else parts))[0]
        if found:
            names = listed([p.name for p in found])
            msg = f"{path}: {len(found)} files could be meant: {names}: name one, or an index"
            raise CheckpointError(msg)
    msg = f"{path}: no checkpoint is in this folder: a *{INDEX}, a *{SAFETENSORS} or a *{GGUF} is allowed"
    raise CheckpointError(msg)
