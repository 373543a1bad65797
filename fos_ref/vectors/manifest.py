"""MANIFEST.json and v1.sha256: what is in the golden folder, derived from its files and from nothing else.

MANIFEST.json has the digest of every file but itself; it is derived anew to check it, so a flipped bit in it
shows too. v1.sha256 lists the files of version 1 as `sha256sum -c` reads them. Its lines are frozen: a file
of a version never changes, so other bits are a new version.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from fos_ref.errors import GoldenFormatError
from fos_ref.recipes.catalog import PRESETS
from fos_ref.vectors.bits import Json
from fos_ref.vectors.canonical import canonical, FORMAT, parse
from fos_ref.vectors.schema import check

MANIFEST = "MANIFEST.json"
VERSION = "v1"
FROZEN = f"{VERSION}.sha256"
_DIGEST = 64  #: hex digits


def digest(data: bytes) -> str:
    """Return the sha256 of a file."""
    return hashlib.sha256(data).hexdigest()


def frozen(files: Mapping[str, bytes]) -> bytes:
    """Return v1.sha256: a line for each file of the version, sorted by name."""
    names = sorted(name for name in files if name.startswith(f"{VERSION}/"))
    return "".join(f"{digest(files[name])}  {name}\n" for name in names).encode()


def is_frozen(listed: bytes, name: str, data: bytes) -> bool:
    """Return whether the frozen list has a file with these bytes."""
    return f"{digest(data)}  {name}".encode() in listed.splitlines()


def check_frozen(listed: bytes, files: Mapping[str, bytes]) -> None:
    """Raise GoldenFormatError if a file has other bytes than the frozen list says; new files are allowed."""
    for line in listed.decode(errors="replace").splitlines():
        want, name = line[:_DIGEST], line[_DIGEST + 2 :]
        if name in files and digest(files[name]) != want:
            msg = (
                f"{name} would change: its bits are frozen in {FROZEN}. Other bits are a new version, "
                "with an entry in the changelog: see golden/README.md"
            )
            raise GoldenFormatError(msg)


def manifest(files: Mapping[str, bytes]) -> bytes:
    """Return MANIFEST.json for the files of the folder (itself left out)."""
    documents = {name: parse(data, name) for name, data in files.items() if _has_vectors(name)}
    flags = Counter(flag for d in documents.values() for v in _marked(d) for flag in v["flags"])
    recipes = {name for d in documents.values() for name in _recipes(d)}
    return canonical(
        {
            "format": FORMAT,
            "kind": "manifest",
            "files": {name: _entry(data, documents.get(name)) for name, data in files.items()},
            "flags": dict(flags),
            "recipes": {name: PRESETS[name].fingerprint() for name in recipes},
        }
    )


def changed(files: Mapping[str, bytes]) -> Iterator[str]:
    """Yield every file that is not as the manifest and the frozen list say: digests only, nothing is read."""
    listed = read_manifest(files[MANIFEST])["files"]
    for name in sorted({*listed, *files} - {MANIFEST}):
        if name not in files:
            yield f"{name}: missing"
        elif name not in listed:
            yield f"{name}: not in {MANIFEST}"
        elif digest(files[name]) != listed[name]["sha256"]:
            yield f"{name}: its sha256 is not that of {MANIFEST}"
    if files.get(FROZEN) != frozen(files):
        yield f"{FROZEN}: not the digests of the files: a file of {VERSION} was changed, added or lost"


def read_manifest(data: bytes) -> Json:
    """Return the manifest; GoldenFormatError for another form."""
    found = parse(data, MANIFEST)
    check(found, "manifest", MANIFEST)
    return found


def _has_vectors(name: str) -> bool:
    return name.startswith(f"{VERSION}/") and name.endswith(".json")


def _entry(data: bytes, document: Json | None) -> Json:
    found = document or {}
    vectors = sum(len(found.get(k, ())) for k in ("vectors", "mutants", "maps", "inputs"))
    return {
        "sha256": digest(data),
        "bytes": len(data),
        "vectors": vectors,
        "blocks": found.get("blocks", 0),
    }


def _marked(document: Json) -> list[Json]:
    """Return the vectors of a file that carry flags."""
    both = [*document.get("vectors", ()), *document.get("maps", ())]
    return [v for v in both if "flags" in v]


def _recipes(document: Json) -> set[str]:
    """Return the names of the recipes whose bits a file holds."""
    listed: Any = document.get("recipes", {})
    parts = [*document.get("mutants", ()), *document.get("chains", ()), document]
    return {*listed, *(part["recipe"] for part in parts if "recipe" in part)}
