"""Text leaves the package by few doors, which escape it: no other place prints or draws text of its own."""

from __future__ import annotations

import ast

from tests.meta.tree import files, name, nodes, offenders

#: What writes text, and the files that may: each escapes what it writes, or writes words of its own.
WRITERS = {
    "print": ("fos_ref/export/sv/fos_cocotb.py",),  # a program of the export: ASCII of its own files
    "echo": (
        "fos_ref/commands/output.py",
        "fos_ref/commands/app.py",
        "fos_ref/commands/help.py",
        "fos_ref/commands/completion.py",
    ),
    "Console": (),
    "Progress": ("fos_ref/report/console.py",),
    "Text": ("fos_ref/report/console.py", "fos_ref/report/terminal.py", "fos_ref/export/tables.py"),
    "to_csv": ("fos_ref/report/tables.py", "fos_ref/report/documents.py"),
    "from_markup": (),
    "warn": ("fos_ref/engines/registry.py",),
}
SOURCES = files("fos_ref", "fos_gpu")


def called(path) -> set[str]:
    """Return the last word of everything that a file calls; a console's own method is no function."""
    found = [n.func for n in nodes(path) if isinstance(n, ast.Call)]
    words = {getattr(f, "attr", getattr(f, "id", "")) for f in found}
    return words - {"print"} | {f.id for f in found if isinstance(f, ast.Name)}


def test_text_is_written_by_the_doors_that_escape_it():
    def others(path) -> set[str]:
        words = called(path)
        return {w for w, may in WRITERS.items() if w in words and name(path) not in may}

    assert offenders(SOURCES, others) == {}


def test_the_search_would_see_them():
    assert {"echo"} <= called(next(p for p in SOURCES if name(p) == "fos_ref/commands/output.py"))
    for writer, may in WRITERS.items():
        for file in may:
            assert writer in called(next(p for p in SOURCES if name(p) == file)), (writer, file)
