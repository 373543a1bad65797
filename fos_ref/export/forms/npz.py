"""One npz a group of vectors: the columns of its tables as arrays, texts as ASCII bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fos_ref.export.source import Source, static
from fos_ref.export.tables import Tables
from fos_ref.formats.arrays import AnyArray, U8
from fos_ref.vectors.npz import write_npz


def npz_files(source: Source) -> dict[str, bytes]:
    """Return RECIPE/GROUP.npz for each group, by name."""
    return static("npz") | {
        f"{t.recipe.name}/{group}.npz": write_npz(_arrays(t)) for group, t in source.groups()
    }


def _arrays(t: Tables) -> dict[str, AnyArray]:
    """Return the arrays by name: blocks.x, vectors.rows, ..., and the texts of the vectors."""
    found = {f"{table}.{name}": a for table, columns in t.columns.items() for name, a in columns.items()}
    texts = {
        "vectors.id": [x.id for x in t.texts],
        "vectors.flags": [" ".join(x.flags) for x in t.texts],
        "vectors.comment": [x.comment for x in t.texts],
    }
    return found | {name: _ascii(words) for name, words in texts.items()}


def _ascii(words: Sequence[str]) -> U8:
    """Return texts as bytes (rows, longest), with zeros behind: `a.view(f"S{a.shape[1]}")` reads them."""
    width = max(1, *map(len, words)) if words else 1
    out = np.zeros((len(words), width), dtype=np.uint8)
    for row, word in zip(out, words, strict=True):
        row[: len(word)] = np.frombuffer(word.encode("ascii"), dtype=np.uint8)
    return out
