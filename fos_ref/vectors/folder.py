"""The golden folder: every file that is written, and how it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict

from fos_ref.formats.environment import check_float_environment
from fos_ref.vectors import bulk, layout, products
from fos_ref.vectors.bits import Json
from fos_ref.vectors.canonical import canonical, FORMAT, parse
from fos_ref.vectors.distinguishing import reported, values
from fos_ref.vectors.distinguishing.check import VECTORS
from fos_ref.vectors.distinguishing.file import distinguishing, Known, known_vectors
from fos_ref.vectors.distinguishing.mutants import read_mutant_vector
from fos_ref.vectors.file import documents, name_of
from fos_ref.vectors.manifest import check_frozen, FROZEN, frozen, is_frozen, MANIFEST, manifest
from fos_ref.vectors.notes import NOTES
from fos_ref.vectors.plan import groups_of, PLAN, plan
from fos_ref.vectors.schema import schema
from fos_ref.vectors.training import document as training

SCHEMA = "schema.json"
NOTES_FILE = "notes.json"
#: Called with what is under way.
Say = Callable[[str], None]


def notes() -> Json:
    """Return notes.json: what each flag stands for."""
    return {"format": FORMAT, "kind": "notes", "flags": {flag: asdict(note) for flag, note in NOTES.items()}}


def generated(say: Say, there: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return every file that is made by a search or a computation, chains left out.

    there: what lies in the folder. Its frozen vectors of axis values are not searched again, only computed.
    """
    check_float_environment()
    found = {SCHEMA: canonical(schema()), NOTES_FILE: canonical(notes())}
    known = _known(there)
    say(VECTORS)
    telling = distinguishing(lambda: None, known)
    found[VECTORS] = canonical(telling)
    hunted = [read_mutant_vector(v) for v in telling["mutants"]]
    for name in values.NAMES:
        say(name)
        found[name] = canonical(values.document(name, lambda: None, known))
    say(reported.NAME)
    found[reported.NAME] = canonical(reported.document(lambda: None))
    for r, plans in plan(hunted, reported.read(found[reported.NAME])):
        say(r.name)
        found |= {name: canonical(document) for name, document in documents(r, plans)}
    say(bulk.INDEX)
    found |= dict(bulk.files()) | {layout.NAME: canonical(layout.document())}
    alone = {products.NAME: products.document(), training.NAME: training.document()}
    return found | {name: canonical(document) for name, document in alone.items()}


def _known(there: Mapping[str, bytes]) -> Known:
    """Return the vectors of axis values that are as the frozen list has them."""
    vectors: list[Json] = []
    for name in (VECTORS, *values.NAMES):
        if name in there and is_frozen(there.get(FROZEN, b""), name, there[name]):
            vectors += parse(there[name], name)["vectors"]
    return known_vectors(vectors)


def completed(files: Mapping[str, bytes], there: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return new files, those that are kept, the frozen list and the manifest.

    Raises: GoldenFormatError where a file of a frozen version would change.
    """
    check_frozen(there.get(FROZEN, b""), files)
    whole = {name: data for name, data in there.items() if name not in (MANIFEST, FROZEN)} | dict(files)
    whole[FROZEN] = frozen(whole)
    return dict(files) | {FROZEN: whole[FROZEN], MANIFEST: manifest(whole)}


def names() -> list[str]:
    """Return the name of every file that is written, before any is made."""
    planned = [name_of(recipe, group) for recipe in PLAN for group in groups_of(recipe)]
    alone = (
        SCHEMA,
        NOTES_FILE,
        VECTORS,
        *values.NAMES,
        reported.NAME,
        layout.NAME,
        products.NAME,
        training.NAME,
        FROZEN,
        MANIFEST,
    )
    return [*alone, *planned, *bulk.names()]
