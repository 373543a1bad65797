"""One JSON a recipe: vectors, words and blocks as flat rows of unsigned numbers, and what each field is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from fos_ref.export.columns import TABLES
from fos_ref.export.source import Source, static
from fos_ref.export.tables import Row, Tables
from fos_ref.recipes.recipe import plain_values
from fos_ref.vectors.canonical import FORMAT

KIND = "export"
_COMMENT = "Every number is an unsigned integer: the bits of a float, a code, a byte, or a count."


def json_files(source: Source) -> dict[str, bytes]:
    """Return a file for each recipe, by name; one row of a table a line."""
    found = static("json")
    return found | {f"{t.recipe.name}.json": _document(t, source).encode("ascii") for t in source.tables()}


def _document(t: Tables, source: Source) -> str:
    r = t.recipe
    head: dict[str, Any] = {
        "format": FORMAT,
        "kind": KIND,
        "source": source.named(),
        "recipe": r.name,
        "fingerprint": r.fingerprint(),
        "axes": plain_values(r.axes()),
        "comment": _COMMENT,
        "fields": {name: {c.name: _described(c.width(r), c.doc) for c in cs} for name, cs in TABLES.items()},
        "block_rows": r.block_rows,
        "block_cols": r.block_cols,
    }
    parts = [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in head.items()]
    parts += [f'"{name}": [\n{_lines(rows)}\n]' for name, rows in _tables(t)]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _described(bits: int, doc: str) -> str:
    return f"{doc} [{bits} bits]"


def _tables(t: Tables) -> Iterator[tuple[str, Iterable[Row]]]:
    """Yield the tables; of the words, which have no names of their own, the columns."""
    texts = ({"id": x.id, "flags": list(x.flags), "comment": x.comment} for x in t.texts)
    yield "vectors", (text | row for text, row in zip(texts, t.each("vectors"), strict=True))
    yield "words", t.each("words")
    yield "blocks", t.each("blocks")


def _lines(rows: Iterable[Row]) -> str:
    return ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
