"""With how few of the labelled vectors every mutant is killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

from fos_ref.errors import InputError
from fos_ref.mutants.catalogue import MUTANTS
from fos_ref.proof.result import Finding, Progress, Proof
from fos_ref.recipes.catalog import PRESETS
from fos_ref.vectors.cover import smallest_cover
from fos_ref.vectors.file import read, Vector
from fos_ref.vectors.flags import kills
from fos_ref.vectors.manifest import MANIFEST
from fos_ref.vectors.verify import differences

FOLDER = Path("golden")
Figures: TypeAlias = dict[str, Any]


def vectors(progress: Progress, jobs: int) -> Finding:  # noqa: ARG001
    """Return how many vectors kill each mutant under its own recipe, and the fewest that kill them all.

    Raises: InputError where the golden folder is not here.
    """
    if not (FOLDER / MANIFEST).is_file():
        msg = f"{FOLDER / MANIFEST} is not here: run this in the project's folder"
        raise InputError(msg)
    names = list(dict.fromkeys(m.recipe for m in MUTANTS.values()))
    found: dict[str, Figures] = {}
    for i, name in enumerate(names):
        progress(i, len(names))
        found[name] = of_recipe(name)
    progress(len(names), len(names))
    return Finding(
        compared=sum(f["vectors"] * (len(f["mutants"]) + 1) for f in found.values()),
        unexplained=sum(f.pop("differ") + len(f["not_killed"]) for f in found.values()),
        figures={"least": sum(len(f["least"]) for f in found.values()), "recipes": found},
    )


def of_recipe(name: str) -> Figures:
    """Return the figures of one recipe: its mutants, and the smallest set of its vectors that kills them."""
    given = list(_committed(name))
    killed = kills([v.case for v in given], PRESETS[name])
    mine = {m.name: sorted(killed[m.name]) for m in MUTANTS.values() if m.recipe == name}
    seen = {m: places for m, places in mine.items() if places}
    return {
        "vectors": len(given),
        "differ": sum(bool(list(differences(v, "numpy"))) for v in given),
        "mutants": {m: len(places) for m, places in mine.items()},
        "not_killed": [m for m in mine if m not in seen],
        "least": [given[i].id for i in smallest_cover(seen)],
    }


def _committed(recipe: str) -> Iterator[Vector]:
    """Yield the vectors of a recipe, file by file in the order of the names."""
    for path in sorted((FOLDER / "v1" / recipe).glob("*.json")):
        yield from read(path.read_bytes(), path.relative_to(FOLDER).as_posix())


PROOF = Proof(
    name="vectors",
    claim="The labelled vectors of golden/v1 are what the model gives, and every mutant fails some of them.",
    run=vectors,
    minutes=0.5,
)
