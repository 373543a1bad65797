"""A folder of files that appears whole or not at all."""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from fos_ref.errors import InputError


def write_folder(folder: Path, documents: Mapping[str, bytes]) -> None:
    """Write files, names with slashes in folders of their own, into a new or an empty folder.

    Everything is written under a hidden name beside it, which is renamed at the end.
    Raises: InputError where something lies there already; OSError.
    """
    target = folder.resolve()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        msg = f"{folder}: something is there already: a new or an empty folder is allowed"
        raise InputError(msg)
    target.parent.mkdir(parents=True, exist_ok=True)
    hidden = target.parent / f".{target.name}.{secrets.token_hex(4)}.part"
    try:
        for name, data in documents.items():
            path = hidden / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        hidden.replace(target)
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(hidden)
