"""Whether an engine gives every bit of the golden folder, and the NumPy model every intermediate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from fos_ref.engines.registry import get_engine
from fos_ref.errors import InputError, ToolchainError
from fos_ref.formats.environment import check_float_environment
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import Recipe
from fos_ref.vectors import bulk, chain, layout, products
from fos_ref.vectors.bits import Json
from fos_ref.vectors.distinguishing import reported, values
from fos_ref.vectors.distinguishing.check import Failure, read, read_mutants, vector_failures, VECTORS
from fos_ref.vectors.distinguishing.file import Committed
from fos_ref.vectors.distinguishing.mutants import MutantVector
from fos_ref.vectors.file import read as read_file
from fos_ref.vectors.file import Vector
from fos_ref.vectors.manifest import digest, MANIFEST, read_manifest
from fos_ref.vectors.steps import outcome, steps
from fos_ref.vectors.training import document as training

CHAIN_STEPS = 10  #: of each chain, where no other number is asked for: 100,000 blocks
STEPPED = "numpy"  #: the engine whose intermediates are vectors too


@dataclass(slots=True)
class Checked:
    """What was verified."""

    engine: str
    vectors: int = 0
    failures: list[Failure] = field(default_factory=list)
    not_run: dict[str, str] = field(default_factory=dict)  #: recipe or file -> why the engine could not

    def refused(self, r: Recipe, name: str) -> bool:
        """Return whether the engine cannot run a recipe, and note why under a name."""
        try:
            get_engine(self.engine, r, 0)
        except ToolchainError as e:
            self.not_run[name] = str(e)
            return True
        return False


def verify(
    files: Mapping[str, bytes],
    engine: str,
    *,
    only: str = "*",
    steps: int = CHAIN_STEPS,
    progress: Callable[[str], None] = lambda _: None,
) -> Checked:
    """Check the files of the golden folder whose names match `only` (a shell pattern); `steps` of each chain.

    A file whose digest is not the manifest's is a failure, and is not read.
    Raises: GoldenFormatError for files of another form; InputError for an unknown engine, and where no name
    matches: nothing would have been checked.
    """
    check_float_environment()
    get_engine(engine, PRESETS["4over6"], 0)  # an unknown engine, or one that is not installed, is an error
    found = Checked(engine)
    sound = {name: s for name, s in _digests(files).items() if fnmatchcase(name, only)}
    if not sound:
        msg = f"no file of the golden folder is called {only!r}: a pattern such as v1/4over6/* is allowed"
        raise InputError(msg)
    for name, failure in sound.items():
        progress(name)
        if failure is not None:
            found.failures.append(failure)
        elif name in chain.FILES:
            _chains(name, files[name], found, steps)
        elif name.endswith(".npz"):
            _bulk(name, files, found)
        else:
            _contents(name, files, found)
    return found


def _digests(files: Mapping[str, bytes]) -> dict[str, Failure | None]:
    """Return, for each file of the manifest, that it is missing or another; None where it is the one."""
    listed = read_manifest(files[MANIFEST])["files"]
    got = {name: digest(files[name]) if name in files else "missing" for name in listed}
    want = {name: entry["sha256"] for name, entry in listed.items()}
    return {n: None if got[n] == want[n] else Failure(n, -1, "sha256", got[n], want[n]) for n in listed}


def _contents(name: str, files: Mapping[str, bytes], found: Checked) -> None:  # noqa: C901 -- a line a form
    if name == VECTORS:
        _distinguishing([*read(files[name]), *read_mutants(files[name])], found)
    elif name in values.NAMES:
        _distinguishing(values.read(files[name], name), found)
    elif name == reported.NAME:
        _distinguishing(reported.read(files[name]), found)
    elif name == layout.NAME:
        found.failures += [Failure(i, -1, "offsets", "other", "these") for i in layout.failures(files[name])]
    elif name == products.NAME:
        found.vectors += len(products.read(files[name]))
        found.failures += products.failures(files[name])
    elif name == training.NAME:
        _training(training.read(files[name]), found)
    elif name in bulk.INDICES:
        bulk.read(files)
    elif name.startswith("v1/") and name.count("/") == 2:  # noqa: PLR2004
        vectors = read_file(files[name], name)
        if not found.refused(vectors[0].recipe, vectors[0].recipe.name):
            found.vectors += len(vectors)
            for v in vectors:
                found.failures += differences(v, found.engine)


def _training(vectors: Sequence[Json], found: Checked) -> None:
    for v in vectors:
        r = training.recipe_of(v)
        if r is None or not found.refused(r, r.name):
            found.vectors += 1
            found.failures += training.failures(v, found.engine)


def _bulk(name: str, files: Mapping[str, bytes], found: Checked) -> None:
    """Check the bulk file of one recipe; that of the inputs is read with each of them."""
    known = {bulk.name_of(r): r for r in bulk.recipes()}
    r = known.get(name)
    if r is None or found.refused(r, r.name):
        return
    given = bulk.read(files)
    found.vectors += len(given)
    found.failures += bulk.failures(files[name], r, given, found.engine)


def _chains(name: str, data: bytes, found: Checked, steps: int) -> None:
    for c in chain.read(data, name) if steps else ():
        if not found.refused(PRESETS[c["recipe"]], c["recipe"]):
            found.vectors += 1
            wrong = chain.first_wrong(c, found.engine, min(steps, chain.FILES[name].steps))
            if wrong is not None:
                step, got, want = wrong
                found.failures.append(Failure(f"chain {c['id']}", -1, f"digest after step {step}", got, want))


def _distinguishing(vectors: Sequence[Committed | MutantVector], found: Checked) -> None:
    for v in vectors:
        refused = [found.refused(side.recipe, side.recipe.name) for side in v.sides]
        if not any(refused):
            found.vectors += 1
            found.failures += vector_failures(v, found.engine)


def differences(v: Vector, engine: str) -> Iterator[Failure]:
    """Yield what an engine gives for one vector that is not as committed; the model's steps besides."""
    yield from _unequal(v.id, "expected", outcome(v.case, v.recipe, engine), v.expected)
    if engine == STEPPED:
        yield from _unequal(v.id, "steps", steps(v.case, v.recipe), v.steps)


def _unequal(name: str, path: str, got: Any, want: Any) -> Iterator[Failure]:
    """Yield the innermost parts of two JSON values that differ."""
    if isinstance(got, dict) and isinstance(want, dict) and got.keys() == want.keys():
        for key in got:
            yield from _unequal(name, f"{path}/{key}", got[key], want[key])
    elif isinstance(got, list) and isinstance(want, list) and len(got) == len(want):
        for i, (a, b) in enumerate(zip(got, want, strict=True)):
            yield from _unequal(name, f"{path}/{i}", a, b)
    elif got != want:
        yield Failure(name, -1, path, got, want)
