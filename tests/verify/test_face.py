"""`fos_ref.verify`: the paths that documents show, and names only behind them."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys

import pytest

from tests.meta.tree import files, module, name, ROOT, tree

FACE = files("fos_ref/verify")
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
DOCUMENTS += [ROOT / "golden" / "README.md"]
PATH = re.compile(r"fos_ref\.verify(?:\.[A-Za-z_]+)*")
IMPORT = re.compile(r"from (fos_ref\.verify[\w.]*) import ([\w, ]+)")


def shown() -> set[str]:
    """Return every dotted path under fos_ref.verify that a document shows."""
    found = set()
    for text in (d.read_text(encoding="utf-8") for d in DOCUMENTS):
        found.update(PATH.findall(text))
        for at, names in IMPORT.findall(text):
            found.update(f"{at}.{n.strip()}" for n in names.split(","))
    return found


def resolved(path: str) -> object:
    """Import as much of a path as is a module, and take the rest as attributes."""
    at, _, last = path.rpartition(".")
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError:
        return getattr(resolved(at), last)


@pytest.mark.parametrize("path", sorted(shown()))
def test_a_path_that_a_document_shows_is_there(path):
    assert resolved(path) is not None


def test_documents_show_calls_and_modules_of_the_face():
    assert {"fos_ref.verify.check", "fos_ref.verify.strategies", "fos_ref.verify.vectors.chain"} <= shown()
    with pytest.raises(AttributeError):
        resolved("fos_ref.verify.no_such_call")


@pytest.mark.parametrize("path", FACE, ids=name)
def test_the_face_holds_names_only(path):
    kinds = [type(n) for n in tree(path).body]
    assert kinds[0] is ast.Expr, "a docstring"
    assert set(kinds[1:]) <= {ast.ImportFrom, ast.Assign}
    offered = getattr(importlib.import_module(module(path)), "__all__", [])
    bound = {alias.name for n in tree(path).body if isinstance(n, ast.ImportFrom) for alias in n.names}
    assert set(offered) == bound


@pytest.mark.long
def test_the_face_is_there_after_a_bare_import():
    script = (
        "import sys, fos_ref; before = 'fos_ref.check' in sys.modules; fos_ref.verify.check\n"
        "print(before, 'fos_ref.check' in sys.modules, hasattr(fos_ref, 'verified'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.split() == ["False", "True", "False"]
