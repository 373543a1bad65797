"""The vectors of axis values that are younger than distinguishing.json, which stays as it was published."""

from __future__ import annotations

from collections.abc import Callable

from fos_ref.vectors.bits import Json
from fos_ref.vectors.canonical import FORMAT, parse
from fos_ref.vectors.distinguishing.file import axis_vectors, Committed, read_vector
from fos_ref.vectors.distinguishing.search import axis_pairs, is_later
from fos_ref.vectors.schema import check

NAME, KIND = "v1/values.json", "values"
_COMMENT = "For each pair of values of an axis, one of them younger than distinguishing.json, an input."


def document(progress: Callable[[], None]) -> Json:
    """Search a vector for every pair with a younger value; `progress` is called after each.

    Raises: GoldenFormatError where a pair has neither a vector nor a stated reason.
    """
    pairs = [p for p in axis_pairs() if is_later(p)]
    return {"format": FORMAT, "kind": KIND, "comment": _COMMENT, "vectors": axis_vectors(pairs, progress)}


def read(data: bytes) -> list[Committed]:
    """Return the vectors of the file; GoldenFormatError for anything that `document` would not write."""
    found = parse(data, NAME)
    check(found, KIND, NAME)
    return [read_vector(v) for v in found["vectors"]]
