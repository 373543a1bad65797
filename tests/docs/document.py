"""Reading a document of this repository: its tables, its examples, its lists of presets."""

from __future__ import annotations

import doctest
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

import fos_ref
from fos_ref.model.rounding import to_dtype

ROOT = Path(__file__).parents[2]
RECIPES = {r.name: r for r in fos_ref.PRESETS.values()}


def text_of(name: str) -> str:
    """Return the text of docs/`name`."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def read_tables(text: str) -> dict[str, tuple[list[str], list[list[str]]]]:
    """Return {first header cell: (header, rows)} of every table of a document."""
    found: dict[str, tuple[list[str], list[list[str]]]] = {}
    for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        header, _, *rows = ([c.strip() for c in line.strip("|").split(" |")] for line in block.splitlines())
        assert all(len(row) == len(header) for row in rows), header
        assert header[0] not in found, f"two tables are called {header[0]}"
        found[header[0]] = (header, rows)
    return found


def failing_examples(text: str) -> tuple[int, str]:
    """Run the examples of a document; return how many there are and the report of those that fail."""
    fences_removed = re.sub(r"^```.*$", "", text, flags=re.MULTILINE)
    examples = doctest.DocTestParser().get_doctest(fences_removed, {}, "document", None, 0)
    report: list[str] = []
    result = doctest.DocTestRunner().run(examples, out=report.append)
    return result.attempted, "".join(report)


def matching(cell: str, recipes: Iterable[str] = tuple(RECIPES)) -> set[str]:
    """Return the presets that a cell's patterns name; a pattern that names none is an error."""
    patterns = re.findall(r"`([^`]+)`", cell)
    named = {p: {n for n in recipes if fnmatchcase(n, p)} for p in patterns}
    assert all(named.values()), f"a pattern names nothing: {named}"
    return set().union(*named.values())


def near_power(v: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return 2^l where l = RN_T(log2 v) is a whole number, v elsewhere: P of docs/numerics.md."""
    exponent = to_dtype(np.log2(v.astype(np.float64)).astype(np.float32), dtype).astype(np.float64)
    return np.where(exponent % 1 == 0, np.exp2(exponent), v).astype(np.float32)
