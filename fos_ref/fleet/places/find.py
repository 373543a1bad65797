"""From what a user wrote to a place: a path, or a URL."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from fos_ref.arguments import path as a_path
from fos_ref.errors import CheckpointError
from fos_ref.errors.text import listed
from fos_ref.fleet.places.local import LocalFolder
from fos_ref.fleet.places.place import Place
from fos_ref.fleet.places.remote import RemoteFolder
from fos_ref.storage.located import INDEX, SAFETENSORS

_FILES = (SAFETENSORS, ".json")
_USUAL = ("model", "diffusion_pytorch_model")


class Origin(NamedTuple):
    """A checkpoint: where it lies, and the file of it that is opened first."""

    place: Place
    file: str  #: an index, or the only safetensors file

    @property
    def has_index(self) -> bool:
        """Whether an index names its shards."""
        return not self.file.endswith(SAFETENSORS)


def place(url: str | os.PathLike[str]) -> Place:
    """Return the folder of this machine or of a URL. Raises: InputError, ToolchainError."""
    text = os.fspath(url) if isinstance(url, str | os.PathLike) else url
    if isinstance(text, str) and "://" in text and not text.startswith("file://"):
        return RemoteFolder(text)
    return LocalFolder(a_path(text.removeprefix("file://") if isinstance(text, str) else text, "folder"))


def origin(url: str | os.PathLike[str]) -> Origin:
    """Return a checkpoint: an index, a safetensors file, or a folder that has one or the other.

    Raises: OSError, InputError, ToolchainError; CheckpointError for a folder with none or several of them.
    """
    text = os.fspath(url)
    folder, _, name = text.rstrip("/").rpartition("/")
    if name.endswith(_FILES) and (folder.endswith(":/") or not Path(text).is_dir()):
        return Origin(place(folder or ("/" if text.startswith("/") else ".")), name)
    found = place(text)
    names = list(found.names())
    for suffix in (INDEX, SAFETENSORS):
        fit = [n for n in names if n.endswith(suffix)]
        usual = [f"{u}{suffix}" for u in _USUAL if f"{u}{suffix}" in fit]
        if len(fit) == 1 or usual:
            return Origin(found, (usual or fit)[0])
        if fit:
            msg = f"{found.url}: {len(fit)} files could be meant: {listed(fit)}: name one, or an index"
            raise CheckpointError(msg)
    msg = f"{found.url}: no checkpoint is in this folder: a *{INDEX} or a *{SAFETENSORS} is allowed"
    raise CheckpointError(msg)
