"""Outputs appear whole or not at all: everything is written under hidden names first, then renamed."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path


def check_folder(folder: Path) -> None:
    """Make `folder` if it is missing and see that files can be made there; OSError if not."""
    folder.mkdir(parents=True, exist_ok=True)
    probe = _hidden(folder, "probe")
    probe.touch()
    probe.unlink()


def write_all(folder: Path, documents: Mapping[str, bytes]) -> list[Path]:
    """Write the documents by name and return their paths. After a failure no name has changed.

    Raises: OSError, with the path of the document.
    """
    hidden: dict[Path, Path] = {}
    try:
        for name, data in documents.items():
            target = folder / name
            hidden[target] = _hidden(folder, name)
            _write(hidden[target], data, target)
        for target, source in hidden.items():
            source.replace(target)
    finally:
        for source in hidden.values():
            with contextlib.suppress(OSError):
                source.unlink(missing_ok=True)
    return list(hidden)


def _hidden(folder: Path, name: str) -> Path:
    return folder / f".{name}.{secrets.token_hex(4)}.part"


def _write(path: Path, data: bytes, target: Path) -> None:
    """Write and flush to the disk; an error names the document, not its hidden name."""
    try:
        with path.open("xb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
    except OSError as e:
        raise OSError(e.errno, e.strerror, str(target)) from e
