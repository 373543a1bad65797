"""What is wrong with the golden folder as a set of files: form, names, digests, flags. No engine runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping

from fos_ref.errors import GoldenFormatError
from fos_ref.foreign import foreign
from fos_ref.vectors import bulk, chain, layout, products
from fos_ref.vectors.canonical import canonical, parse
from fos_ref.vectors.distinguishing import reported, values
from fos_ref.vectors.distinguishing.check import read, read_mutants, VECTORS
from fos_ref.vectors.file import read as read_file
from fos_ref.vectors.folder import notes, NOTES_FILE, SCHEMA
from fos_ref.vectors.manifest import changed, FROZEN, MANIFEST, manifest
from fos_ref.vectors.notes import NOTES
from fos_ref.vectors.npz import read_npz
from fos_ref.vectors.on_disk import README
from fos_ref.vectors.schema import check, schema
from fos_ref.vectors.training import document as training

MOST_BYTES = 20_000_000
_FIXED = (
    README,
    SCHEMA,
    NOTES_FILE,
    FROZEN,
    MANIFEST,
    VECTORS,
    *values.NAMES,
    reported.NAME,
    layout.NAME,
    products.NAME,
    training.NAME,
    *bulk.INDICES,
    bulk.INPUTS,
    *chain.FILES,
)


def lint(files: Mapping[str, bytes], strangers: Collection[str] = ()) -> list[str]:
    """Return everything that is wrong with the files of the folder, a line each; empty: nothing.

    strangers: names of other files that lie there
    """
    missing = [f"{name}: missing" for name in _FIXED if name not in files]
    if missing:
        return missing
    found = [f"{name}: not in {MANIFEST}: no file of this name belongs here" for name in strangers]
    found += [problem for name in files for problem in _file(name, files[name])]
    if f"{MANIFEST}:" not in " ".join(found):
        found += changed(files)
    return found or [*_sizes(files), *_derived(files), *_ids(files), *_bulk(files)]


def _file(name: str, data: bytes) -> Iterator[str]:
    """Yield what is wrong with one file."""
    reader = _READERS.get(name) or _by_place(name)
    if reader is None:
        yield f"{name}: no file of this name belongs here"
        return
    try:
        reader(data, name)
    except GoldenFormatError as e:
        yield str(e)


def _by_place(name: str) -> Callable[[bytes, str], object] | None:
    parts = name.split("/")
    if len(parts) != 3 or parts[0] != "v1":  # noqa: PLR2004
        return None
    return {".json": read_file, ".npz": read_npz}.get(name[name.rfind(".") :])


def _equal_to(want: bytes, data: bytes, name: str) -> None:
    if data != want:
        msg = f"{name}: not what `fos golden write` writes"
        raise GoldenFormatError(msg)


def _text(data: bytes, name: str) -> str:
    with foreign(name, "text in UTF-8 is allowed", GoldenFormatError):
        return data.decode()


def _distinguishing(data: bytes, name: str) -> None:
    del name  # there is one
    read(data)
    read_mutants(data)


_READERS: Mapping[str, Callable[[bytes, str], object]] = {
    SCHEMA: lambda data, name: _equal_to(canonical(schema()), data, name),
    NOTES_FILE: lambda data, name: _equal_to(canonical(notes()), data, name),
    VECTORS: _distinguishing,
    **dict.fromkeys(values.NAMES, values.read),
    reported.NAME: lambda data, _: reported.read(data),
    layout.NAME: lambda data, name: check(parse(data, name), layout.KIND, name),
    products.NAME: products.read,
    training.NAME: training.read,
    **{n: lambda data, name: check(parse(data, name), bulk.KIND, name) for n in bulk.INDICES},
    **dict.fromkeys(chain.FILES, chain.read),
    MANIFEST: lambda data, name: check(parse(data, name), "manifest", name),
    README: _text,
    FROZEN: _text,
}


def _sizes(files: Mapping[str, bytes]) -> Iterator[str]:
    total = sum(map(len, files.values()))
    if total > MOST_BYTES:
        yield f"{total} bytes: at most {MOST_BYTES} are allowed"


def _derived(files: Mapping[str, bytes]) -> Iterator[str]:
    """Yield whether the manifest's counts are those of the files."""
    if files[MANIFEST] != manifest({name: data for name, data in files.items() if name != MANIFEST}):
        yield f"{MANIFEST}: not what the files give: a count, a flag or a recipe is another"


def _ids(files: Mapping[str, bytes]) -> Iterator[str]:
    """Yield ids that two vectors have, and flags that none has; the files were read before."""
    vectors = [v for n in files if _by_place(n) is read_file for v in parse(files[n], n)["vectors"]]
    maps = parse(files[layout.NAME], layout.NAME)["maps"]
    ids = Counter(v["id"] for v in (*vectors, *maps))
    yield from (f"id {name}: {count} vectors have it" for name, count in ids.items() if count > 1)
    used = {flag for v in vectors for flag in v["flags"]}
    yield from (f"flag {flag}: no vector has it" for flag in NOTES if flag not in used)


def _bulk(files: Mapping[str, bytes]) -> Iterator[str]:
    """Yield what is wrong with the bulk files as a set."""
    try:
        bulk.read(files)
    except GoldenFormatError as e:
        yield str(e)
    known = {bulk.INPUTS, *(bulk.name_of(r) for r in bulk.recipes())}
    yield from (f"{n}: no recipe of this name" for n in files if n.endswith(".npz") and n not in known)
