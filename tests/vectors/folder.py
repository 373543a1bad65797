"""The committed golden folder, read once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fos_ref.vectors.file import read, Vector
from fos_ref.vectors.on_disk import read_written

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "golden"


@cache
def files() -> dict[str, bytes]:
    """Return every file of the folder by its name."""
    return read_written(GOLDEN)


@cache
def vectors(recipe: str, group: str) -> list[Vector]:
    """Return the vectors of one file."""
    name = f"v1/{recipe}/{group}.json"
    return read(files()[name], name)
