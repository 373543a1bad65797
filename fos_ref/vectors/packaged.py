"""The golden vectors that came with the program: in a wheel in the package, in a checkout beside it."""

from __future__ import annotations

from pathlib import Path

from fos_ref.vectors.manifest import MANIFEST
from fos_ref.vectors.on_disk import read_written

PACKAGE = Path(__file__).parents[1]
HERE = Path("golden")  #: in the working directory


def packaged() -> Path | None:
    """Return the folder of the vectors that came with the program, None where there is none."""
    places = (PACKAGE / "golden", PACKAGE.parent / "golden")
    return next((place for place in places if (place / MANIFEST).is_file()), None)


def named_or_packaged(folder: Path | None) -> tuple[Path, dict[str, bytes]]:
    """Return a golden folder and its files: the one named; or `golden` here; or what came with the program.

    Raises: InputError where that is no folder that `fos golden write` wrote.
    """
    if folder is None:
        folder = HERE if (HERE / MANIFEST).is_file() else packaged() or HERE
    return folder, read_written(folder)
