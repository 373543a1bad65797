"""Messages hold for a call and for a command: none names an argument, an attribute or `None` of Python."""

from __future__ import annotations

import ast
import re

from tests.meta.tree import files, nodes, offenders

#: overwrite=True, padding='zero', amax={amax!r}, x.shape=(3,), all None.
PYTHON = re.compile(r"\w=(True|False|None|'|\{|\()|\bNone\b|\w\.shape\b")


def messages(path) -> list[str]:
    """Return the text of every `msg = ...` of a file, as it stands in the source."""
    assigned = [n for n in nodes(path) if isinstance(n, ast.Assign)]
    named = [n.value for n in assigned if [getattr(t, "id", "") for t in n.targets] == ["msg"]]
    return ["".join(map(_text, getattr(v, "values", [v]))) for v in named]


def _text(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else "{}"


def test_a_message_names_nothing_of_python():
    named = offenders(files("fos_ref", "fos_gpu"), lambda p: [m for m in messages(p) if PYTHON.search(m)])
    assert named == {}


def test_the_search_would_see_them():
    seen = ["exists: overwrite=True", "padding='zero'", "amax={}: no", "x.shape={}", "they are None"]
    assert [m for m in seen if not PYTHON.search(m)] == []
    assert sum(len(messages(p)) for p in files("fos_ref")) > 100
