"""The sha256 of what lies at a place."""

from __future__ import annotations

import hashlib
from contextlib import closing
from pathlib import Path

from fos_ref.fleet.hashed import Hashed
from fos_ref.fleet.places.place import Place


def sha256_of(at: Place, name: str) -> str:
    """Return the digest of a file, read whole."""
    with closing(at.open(name)) as held:
        return Hashed(held).sha256()


def sha256_of_file(path: Path) -> str:
    """Return the digest of a file of this machine."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
