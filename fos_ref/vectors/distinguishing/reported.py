"""The vectors of the second edition of mutants: the mistakes of real reports, each with its wrong bytes."""

from __future__ import annotations

from collections.abc import Callable

from fos_ref.vectors.bits import Json
from fos_ref.vectors.canonical import FORMAT, parse
from fos_ref.vectors.distinguishing.mutants import mutant_vectors, MutantVector, read_mutant_vector
from fos_ref.vectors.schema import check

NAME, KIND, EDITION = "v1/mutants.json", "mutants", 2
_COMMENT = (
    "For each mistake of a real report an input, what the recipe gives there, and what the mistake gives."
)


def document(progress: Callable[[], None]) -> Json:
    """Search a vector for every mutant of the edition; `progress` is called after each.

    Raises: GoldenFormatError where no input tells a mutant from its recipe.
    """
    found = mutant_vectors(progress, EDITION)
    return {"format": FORMAT, "kind": KIND, "comment": _COMMENT, "mutants": found}


def read(data: bytes) -> list[MutantVector]:
    """Return the vectors of the file; GoldenFormatError for anything that `document` would not write."""
    found = parse(data, NAME)
    check(found, KIND, NAME)
    return [read_mutant_vector(v) for v in found["mutants"]]
