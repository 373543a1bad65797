"""The distinguishing vectors: whether an engine gives every bit of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fos_ref.engines.registry import get_engine
from fos_ref.vectors.bits import Json, result
from fos_ref.vectors.canonical import parse
from fos_ref.vectors.distinguishing.file import Committed, read_vector, VALUES_AXIS
from fos_ref.vectors.distinguishing.mutants import MutantVector, read_mutant_vector
from fos_ref.vectors.schema import check

VECTORS = "v1/distinguishing.json"


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that is not as committed."""

    vector: str
    side: int  #: 0 or 1; -1 for a whole file or a vector of one recipe
    what: str  #: codes, block_scales, values_bits, outcome, fingerprint, sha256 or the path of a step
    got: Any
    want: Any


def read(data: bytes) -> list[Committed]:
    """Return the axes' vectors of VECTORS; GoldenFormatError names what is wrong with them."""
    return [read_vector(v) for v in _section(data, "vectors")]


def read_mutants(data: bytes) -> list[MutantVector]:
    """Return the mutants' vectors of VECTORS; GoldenFormatError names what is wrong with them."""
    return [read_mutant_vector(v) for v in _section(data, "mutants")]


def _section(data: bytes, name: str) -> list[Json]:
    vectors: list[Json] = _checked(data)[name]
    return vectors


@lru_cache(maxsize=1)  # both sections are asked for, and the schema takes longer than the rest
def _checked(data: bytes) -> Json:
    document: Json = parse(data, VECTORS)
    check(document, "distinguishing", VECTORS)
    return document


def failures(data: bytes, engine: str, progress: Callable[[], None]) -> tuple[int, list[Failure]]:
    """Return how many vectors of VECTORS were checked, and everything that is not as committed."""
    vectors: list[Committed | MutantVector] = [*read(data), *read_mutants(data)]
    get_engine(engine, vectors[0].sides[0].recipe, 0)  # an unknown engine is an error, no refusal
    found: list[Failure] = []
    for v in vectors:
        found += vector_failures(v, engine)
        progress()
    return len(vectors), found


def vector_failures(v: Committed | MutantVector, engine: str) -> Iterator[Failure]:
    """Yield what an engine gives for one vector that is not as committed, side by side."""
    for i, side in enumerate(v.sides):
        if side.recipe.fingerprint() != side.fingerprint:
            yield Failure(v.name, i, "fingerprint", side.recipe.fingerprint(), side.fingerprint)
        got = result(side.recipe, v.input, engine, values=v.axis == VALUES_AXIS)
        if isinstance(got, str) or not isinstance(side.expected, dict):
            if got != side.expected:
                yield Failure(v.name, i, "outcome", got, side.expected)
        else:
            for what in sorted(got.keys() | side.expected.keys()):
                if got.get(what) != side.expected.get(what):
                    yield Failure(v.name, i, what, got.get(what), side.expected.get(what))
