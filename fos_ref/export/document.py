"""MANIFEST.json of an export, and the table of fields that its README ends with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from fos_ref.export.columns import Count, TABLES
from fos_ref.export.forms.c import c_files
from fos_ref.export.forms.json import json_files, KIND
from fos_ref.export.forms.memh import memh_files
from fos_ref.export.forms.npz import npz_files
from fos_ref.export.products import product_files
from fos_ref.export.source import Source
from fos_ref.export.training import training_files
from fos_ref.vectors.canonical import canonical, FORMAT
from fos_ref.vectors.manifest import digest, MANIFEST, VERSION
from fos_ref.version import VERSION as PACKAGE_VERSION

README = "README.md"
FORMS: Mapping[str, Callable[[Source], dict[str, bytes]]] = MappingProxyType(
    {"memh": memh_files, "c": c_files, "json": json_files, "npz": npz_files}
)
_COUNT = {Count.ONE: "1", Count.ELEMENTS: "n", Count.BYTES: "n/2"}  #: n where codes have a byte each


def documents(form: str, source: Source) -> dict[str, bytes]:
    """Return every file of an export by name, MANIFEST.json last."""
    found = FORMS[form](source)
    if source.products is not None:
        found |= product_files(form, source.products)
    if source.training is not None:
        found |= training_files(form, source.training)
    found[README] = found[README] + _fields().encode("ascii")
    return found | {MANIFEST: canonical(_manifest(form, source, found))}


def _manifest(form: str, source: Source, found: Mapping[str, bytes]) -> dict[str, object]:
    recipes = {}
    for t in source.tables():
        refused = int(t.columns["vectors"]["refused"].astype(int).sum())
        recipes[t.recipe.name] = {
            "fingerprint": t.recipe.fingerprint(),
            "vectors": t.rows("vectors"),
            "refused": refused,
            "blocks": t.rows("blocks"),
        }
    return {
        "format": FORMAT,
        "kind": KIND,
        "form": form,
        "source": {
            "program": "fos-ref",
            "version": PACKAGE_VERSION,
            "golden": VERSION,
            "files": source.digests,
        },
        "recipes": recipes,
        "files": {name: {"bytes": len(data), "sha256": digest(data)} for name, data in found.items()},
    }


def _fields() -> str:
    """Return the tables of columns as Markdown; n is the number of elements of a block."""
    lines = [
        "",
        "## Fields",
        "",
        "n is the number of elements of a block; N1 to N15 are labels of docs/numerics.md.",
    ]
    for table, columns in TABLES.items():
        lines += ["", f"### {table}", "", "| field | bits | numbers | what it is |", "|---|---|---|---|"]
        lines += [
            f"| `{c.name}` | {c.bits} | {_COUNT[c.count]} | {c.doc.replace('|', chr(92) + '|')} |"
            for c in columns
        ]
    return "\n".join([*lines, ""])
