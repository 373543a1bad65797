"""What is exported: the golden folder's vectors by recipe, read through their own door, and where from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files as package_files

from fos_ref.errors import GoldenFormatError, InputError, near
from fos_ref.export.tables import Tables, tables
from fos_ref.recipes.catalog import PRESETS, recipe
from fos_ref.recipes.file import is_path
from fos_ref.vectors import chain, products
from fos_ref.vectors.bits import Json
from fos_ref.vectors.canonical import parse
from fos_ref.vectors.file import read, Vector
from fos_ref.vectors.manifest import digest, MANIFEST, read_manifest, VERSION
from fos_ref.vectors.training import document as training
from fos_ref.version import VERSION as PACKAGE_VERSION

_DEPTH = 2  #: v1/RECIPE/GROUP.json
#: The files that belong to no recipe, and their readers.
_WHOLE: Mapping[str, Callable[[bytes], object]] = {products.NAME: products.read, training.NAME: training.read}


@dataclass(frozen=True, slots=True)
class Source:
    """The files of the golden folder that are exported, by recipe and group, with their digests."""

    vectors: Mapping[str, Mapping[str, Sequence[Vector]]]
    digests: Mapping[str, str]
    chains: Mapping[str, Sequence[Json]]  #: by recipe, as v1/chains.json has them
    products: Json | None = None  #: v1/products.json, where every recipe is exported
    training: Json | None = None  #: v1/training.json, likewise

    def named(self) -> str:
        """Return which program and which version of the vectors this is."""
        return f"fos-ref {PACKAGE_VERSION}, golden vectors {VERSION}"

    def tables(self) -> Iterator[Tables]:
        """Yield the tables of each recipe, all groups in one."""
        for groups in self.vectors.values():
            yield tables([v for vectors in groups.values() for v in vectors])

    def groups(self) -> Iterator[tuple[str, Tables]]:
        """Yield the tables of each group of each recipe."""
        for groups in self.vectors.values():
            for group, vectors in groups.items():
                yield group, tables(vectors)


def load(files: Mapping[str, bytes], recipes: Sequence[str] = ()) -> Source:
    """Return the vectors of the recipes, presets by name or by file, of all where none is named.

    Raises: InputError for a recipe without vectors; RecipeError for a file that holds none;
    GoldenFormatError for a file that is not the manifest's.
    """
    listed = read_manifest(files[MANIFEST])["files"]
    names = [n for n in sorted(listed) if n.startswith(f"{VERSION}/") and n.count("/") == _DEPTH]
    names = [n for n in names if n.endswith(".json")]
    there = {n.split("/")[1] for n in names}
    wanted = {recipe(r).name if r in PRESETS or is_path(r) else r for r in recipes} or there
    for r in sorted(wanted - there):
        raise InputError(_unknown(r, sorted(there)))
    chosen = [n for n in names if n.split("/")[1] in wanted]
    found: dict[str, dict[str, Sequence[Vector]]] = {}
    for n in chosen:
        _, name, group = n.removesuffix(".json").split("/")
        found.setdefault(name, {})[group] = read(_checked(n, files, listed), n)
    chains = _chains(files, listed, list(found))
    whole = {n: _whole(n, files, listed) for n in _WHOLE if n in listed and not recipes}
    alone = [chain.NAME] * bool(chains) + [*whole]
    digests = {n: listed[n]["sha256"] for n in chosen + alone}
    return Source(found, digests, chains, whole.get(products.NAME), whole.get(training.NAME))


def _whole(name: str, files: Mapping[str, bytes], listed: Json) -> Json:
    data = _checked(name, files, listed)
    _WHOLE[name](data)
    return parse(data, name)


def _chains(files: Mapping[str, bytes], listed: Json, recipes: Sequence[str]) -> dict[str, list[Json]]:
    if chain.NAME not in listed:
        return {}
    every = chain.read(_checked(chain.NAME, files, listed))
    found = {r: [c for c in every if c["recipe"] == r] for r in recipes}
    return {r: chains for r, chains in found.items() if chains}


def _checked(name: str, files: Mapping[str, bytes], listed: Json) -> bytes:
    if name not in files or digest(files[name]) != listed[name]["sha256"]:
        msg = f"{name}: missing, or not the file that {MANIFEST} lists: `fos golden lint` says more"
        raise GoldenFormatError(msg)
    return files[name]


def _unknown(name: str, there: Sequence[str]) -> str:
    names = near(name, there)
    hint = f" (did you mean {', '.join(names)}?)" if names else ""
    return f"--recipe {name}: no vectors of it{hint}; allowed are {', '.join(there)}"


def static(folder: str) -> dict[str, bytes]:
    """Return the files of a form that are the same for every export, by name."""
    inside = package_files("fos_ref") / "export" / folder
    files = [
        p for p in inside.iterdir() if p.is_file()
    ]  # an installation may have put compiled Python beside
    return {p.name: p.read_bytes() for p in sorted(files, key=lambda p: p.name)}
