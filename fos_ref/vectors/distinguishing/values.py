"""The vectors of axis values that are younger than distinguishing.json, a file for each later edition."""

from __future__ import annotations

from collections.abc import Callable

from fos_ref.vectors.bits import Json
from fos_ref.vectors.canonical import FORMAT, parse
from fos_ref.vectors.distinguishing.file import axis_vectors, Committed, Known, NOTHING, read_vector
from fos_ref.vectors.distinguishing.search import axis_pairs, edition
from fos_ref.vectors.editions import LATER
from fos_ref.vectors.schema import check

KIND = "values"
NAMES = tuple(e.values_name for e in LATER)
_COMMENT = "For each pair of values of an axis, one of them younger than distinguishing.json, an input."


def document(name: str, progress: Callable[[], None], known: Known = NOTHING) -> Json:
    """Search a vector for every pair whose younger value is of a file's edition; `progress` after each.

    known: as for `distinguishing`

    Raises: GoldenFormatError where a pair has neither a vector nor a stated reason.
    """
    pairs = [p for p in axis_pairs() if edition(p) == NAMES.index(name) + 2]
    return {
        "format": FORMAT,
        "kind": KIND,
        "comment": _COMMENT,
        "vectors": axis_vectors(pairs, progress, known),
    }


def read(data: bytes, name: str) -> list[Committed]:
    """Return the vectors of a file; GoldenFormatError for anything that `document` would not write."""
    found = parse(data, name)
    check(found, KIND, name)
    return [read_vector(v) for v in found["vectors"]]
