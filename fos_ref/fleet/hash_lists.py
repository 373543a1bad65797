"""A list of hashes that is published beside a checkpoint, as sha256sum writes it."""

from __future__ import annotations

import re
from collections.abc import Collection

from fos_ref.errors import CheckpointError
from fos_ref.errors.text import shown
from fos_ref.fleet.places.place import Place
from fos_ref.outside.json import MOST_BYTES

NAMES = ("SHA256SUMS", "SHA256SUMS.txt", "sha256sums.txt", "sha256sum.txt", "checksums.sha256")
_LINE = re.compile(r"(?P<hash>[0-9a-fA-F]{64})[ \t]+\*?(?:\./)?(?P<name>[^/\r\n]+)")


def hashes(place: Place, there: Collection[str]) -> dict[str, str]:
    """Return file -> sha256 from the first list of NAMES that lies there; empty without one.

    Raises: OSError; CheckpointError for a line of another form: a list that cannot be read proves nothing.
    """
    name = next((n for n in NAMES if n in there), None)
    data = None if name is None else place.read(name, MOST_BYTES)
    if name is None or data is None:
        return {}
    found = {}
    for line in data.decode("utf-8", "replace").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        m = _LINE.fullmatch(line.rstrip())
        if m is not None:
            found[m["name"]] = m["hash"].lower()
        elif "/" not in line:  # of files in other folders nothing is asked
            msg = f"{place.path(name)}: {shown(line)}: lines of 64 hex digits and a file name are allowed"
            raise CheckpointError(msg)
    return found
