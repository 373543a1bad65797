"""One file of vectors: the recipe, the group and, for each case, input, expected bits, steps and flags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from fos_ref.errors import GoldenFormatError
from fos_ref.mutants.catalogue import up_to
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import plain_values, Recipe
from fos_ref.vectors.bits import input_json, Json, RAISES, read_input
from fos_ref.vectors.bits_text import from_hex, to_hex
from fos_ref.vectors.canonical import FORMAT, parse
from fos_ref.vectors.case import Case
from fos_ref.vectors.extent import check_extent
from fos_ref.vectors.flags import flags, kills
from fos_ref.vectors.schema import check
from fos_ref.vectors.steps import outcome, steps

KIND = "vectors"


@dataclass(frozen=True, slots=True)
class Vector:
    """A vector read back."""

    id: str
    recipe: Recipe
    case: Case
    flags: tuple[str, ...]
    expected: Any
    steps: Any


def name_of(recipe: str, group: str) -> str:
    """Return the name of a file of vectors in the golden folder."""
    return f"v1/{recipe}/{group}.json"


@dataclass(frozen=True, slots=True)
class Plan:
    """One file to write."""

    group: str
    comment: str
    cases: Sequence[Case]
    edition: int = 1  #: the mutants of later ones set no flag: what was published stays


def documents(r: Recipe, plans: Sequence[Plan]) -> Iterator[tuple[str, Json]]:
    """Yield the name and the content of each of a recipe's files; flags are found edition by edition."""
    for edition in sorted({p.edition for p in plans}):
        chosen = [p for p in plans if p.edition == edition]
        cases = [case for p in chosen for case in p.cases]
        killed = kills(cases, r, up_to(edition))
        marked = iter(zip(cases, flags(cases, r, killed), strict=True))
        for p in chosen:
            yield name_of(r.name, p.group), _document(r, p, list(islice(marked, len(p.cases))))


def _document(r: Recipe, p: Plan, marked: Sequence[tuple[Case, list[str]]]) -> Json:
    vectors = [_vector(f"{r.name}/{p.group}/{i}", c, r, found) for i, (c, found) in enumerate(marked, 1)]
    return {
        "format": FORMAT,
        "kind": KIND,
        "recipe": r.name,
        "fingerprint": r.fingerprint(),
        "axes": plain_values(r.axes()),
        "group": p.group,
        "comment": p.comment,
        "blocks": sum(len(v["steps"]["blocks"]) for v in vectors if v["steps"] is not None),
        "vectors": vectors,
    }


def _vector(name: str, case: Case, r: Recipe, found: list[str]) -> Json:
    return {
        "id": name,
        "comment": case.comment,
        "flags": found,
        **input_json(case.given),
        "padding": case.padding,
        "buffer_bits": None if case.buffer is None else to_hex(case.buffer),
        "expected": outcome(case, r, "numpy"),
        "steps": steps(case, r),
    }


def read(data: bytes, name: str) -> list[Vector]:
    """Return the vectors of a file; GoldenFormatError for anything that `documents` would not write."""
    found = parse(data, name)
    check(found, KIND, name)
    if found["recipe"] not in PRESETS or name != name_of(found["recipe"], found["group"]):
        msg = f"{name}: recipe {found['recipe']!r}, group {found['group']!r}: {name} is not their file"
        raise GoldenFormatError(msg)
    r = PRESETS[found["recipe"]]
    if (found["fingerprint"], found["axes"]) != (r.fingerprint(), plain_values(r.axes())):
        msg = f"{name}: fingerprint or axes are not those of {r.name}: {r.fingerprint()}"
        raise GoldenFormatError(msg)
    vectors = [_read_vector(v, r) for v in found["vectors"]]
    blocks = sum(len(v.steps["blocks"]) for v in vectors if v.steps is not None)
    if blocks != found["blocks"] or [v.id for v in vectors] != _ids(found, len(vectors)):
        msg = f"{name}: {found['blocks']} blocks, ids 1, 2, ...: the file holds {blocks} blocks"
        raise GoldenFormatError(msg)
    return vectors


def _ids(found: Json, count: int) -> list[str]:
    return [f"{found['recipe']}/{found['group']}/{i}" for i in range(1, count + 1)]


def _read_vector(v: Json, r: Recipe) -> Vector:
    given = read_input(v, v["id"])
    buffer = None
    if v["buffer_bits"] is not None:
        shape = (len(v["buffer_bits"]), len(v["buffer_bits"][0].split(" ")))
        buffer = from_hex(v["buffer_bits"], v["dtype"], shape, f"{v['id']}: buffer_bits")
        rows, cols = given.x.shape
        if to_hex(buffer[:rows, :cols]) != v["x_bits"]:
            msg = f"{v['id']}: the upper left corner of buffer_bits is not x_bits"
            raise GoldenFormatError(msg)
    if (v["expected"] == RAISES) != (v["steps"] is None):
        msg = f"{v['id']}: an input that is refused has no steps, another has"
        raise GoldenFormatError(msg)
    case = Case(comment=v["comment"], given=given, padding=v["padding"], buffer=buffer)
    check_extent(v["id"], case, r, v["expected"], v["steps"])
    return Vector(v["id"], r, case, tuple(v["flags"]), v["expected"], v["steps"])
