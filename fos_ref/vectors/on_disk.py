"""The golden folder on disk: MANIFEST.json is read first, then the files that it names, and no other.

So a wrong folder costs one look, however large it is. What lies there besides is found by its name.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path

from fos_ref.errors import GoldenFormatError, InputError
from fos_ref.foreign import cut, shown
from fos_ref.outside.files import read_file
from fos_ref.publish.staging import is_staged
from fos_ref.vectors.chain import FILES as CHAINS
from fos_ref.vectors.manifest import FROZEN, MANIFEST, read_manifest

README = "README.md"  #: written by people, as the chains are by `fos golden chain`
KEPT = (README, *CHAINS, FROZEN)  #: what `fos golden write` reads besides, listed or not
MOST_BYTES = 200_000_000  #: of all files that are read; `fos golden lint` allows a tenth
MOST_NAMES = 20  #: of files that do not belong here
_MOST_SEEN = 100_000  #: names looked at


def read_written(folder: Path) -> dict[str, bytes]:
    """Return the files that MANIFEST.json names, and itself, by name, sorted; what is missing is left out.

    Raises: InputError for a folder without MANIFEST.json; GoldenFormatError for one of another form, for a
            name that leads out of the folder, and for what is no regular file; OSError.
    """
    listed = read_named(folder, (MANIFEST,))
    if not listed:
        msg = _none_here(folder)
        raise InputError(msg)
    names = list(read_manifest(listed[MANIFEST])["files"])
    for name in names:
        if not is_inside(name):
            msg = f"{MANIFEST}: {shown(name)}: the name of a file in the folder is allowed"
            raise GoldenFormatError(msg)
    return dict(sorted((listed | read_named(folder, names)).items()))


def read_kept(folder: Path) -> dict[str, bytes]:
    """Return what `fos golden write` has to know of: nothing of a new folder, else what is in a golden one.

    Raises: InputError where files lie in the folder and none is a MANIFEST.json; otherwise as `read_written`.
    """
    if (folder / MANIFEST).exists():
        return read_named(folder, KEPT) | read_written(folder)
    found = read_named(folder, KEPT)
    if strangers(folder, found):
        msg = f"{_none_here(folder)}, or an empty one"
        raise InputError(msg)
    return found


def strangers(folder: Path, known: Collection[str]) -> list[str]:
    """Return the names of at most MOST_NAMES files of the folder that are not among `known`, escaped.

    Nothing is opened, and links to folders are not followed.
    """
    there = (name for name in islice(_names(folder), _MOST_SEEN) if not is_staged(name))
    names = (name for name in there if name not in known)
    return sorted(map(cut, islice(names, MOST_NAMES)))


def is_inside(name: str) -> bool:
    """Return whether a name of a manifest is that of a file in its folder."""
    return all(part not in ("", ".", "..") for part in name.split("/"))


def _none_here(folder: Path) -> str:
    return f"{folder}: no {MANIFEST} here: a folder that `fos golden write` wrote is allowed"


def _names(folder: Path) -> Iterator[str]:
    for place, _, files in os.walk(folder):
        yield from (Path(place, file).relative_to(folder).as_posix() for file in files)


def read_named(folder: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Return the files of these names that are there."""
    found, left = {}, MOST_BYTES
    for name in names:
        try:
            found[name] = read_file(folder / name, left, GoldenFormatError)
        except (FileNotFoundError, NotADirectoryError):
            continue
        left -= len(found[name])
    return found
