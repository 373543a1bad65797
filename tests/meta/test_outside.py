"""What comes from outside passes one reader, and a pattern that judges it fits the whole text."""

from __future__ import annotations

import ast
import re

from tests.meta.tree import files, name, nodes, offenders, ROOT

SOURCES = files("fos_ref", "fos_gpu")
READERS = "fos_ref/outside/"
#: Parsers that are not ours: what they raise, and what they take, is theirs.
PARSERS = {"json.loads", "json.load", "np.load", "np.fromfile", "np.loadtxt", "zipfile.ZipFile"}
PARSERS |= {"pickle.loads", "pickle.load", "ast.literal_eval", "safe_open", "np.genfromtxt", "ET.fromstring"}
PARSERS |= {"GGUFReader", "gguf.GGUFReader"}
#: Files that may call one, and why.
MAY = {
    "fos_ref/fast/cached.py": "Numba's cache, of this user only",
    "fos_ref/storage/safetensors_read.py": "the one reader of safetensors",
    "fos_ref/commands/prove.py": "figures of this process as they would be read back",
    "fos_gpu/proof/command.py": "figures of this process as they would be read back",
    "fos_gpu/proof/evidence.py": "what its own child processes wrote",
    "fos_ref/vectors/npz.py": "it writes",
    "fos_ref/pytest_plugin.py": "a property of a test of this run",
}


def parsers(path) -> set[str]:
    """Return the foreign parsers that a file calls."""
    called = {ast.unparse(n.func) for n in nodes(path) if isinstance(n, ast.Call)}
    return called & PARSERS


def test_foreign_parsers_are_called_by_the_readers_only():
    readers = [p for p in SOURCES if name(p).startswith(READERS)]
    assert {p.name for p in readers if parsers(p)} == {"json.py", "npz.py"}
    others = [p for p in SOURCES if p not in readers]
    assert set(offenders(others, parsers)) == {f for f in MAY if (ROOT / f).exists()}


#: `$` fits before a line break at the end of a text too; `\Z` and fullmatch do not.
RE_CALLS = {"compile", "match", "search", "fullmatch", "findall", "finditer", "sub", "split"}
_DOLLAR = re.compile(r"(?<!\\)(?:\\\\)*\$")


def ends_in_dollar(path) -> list[str]:
    """Return the patterns of Python's re that a file anchors with `$`, outside of sets of characters."""
    calls = [
        n
        for n in nodes(path)
        if isinstance(n, ast.Call)
        and isinstance(n.func, ast.Attribute)
        and n.func.attr in RE_CALLS
        and ast.unparse(n.func.value) == "re"
    ]
    given = [n.args[0] for n in calls if n.args and "MULTILINE" not in ast.unparse(n)]
    texts = [str(a.value) for a in given if isinstance(a, ast.Constant)]
    return [t for t in texts if _DOLLAR.search(re.sub(r"\[[^\]]*\]", "", t))]


def test_no_pattern_ends_before_a_line_break():
    assert offenders(SOURCES, ends_in_dollar) == {}


def test_patterns_of_schemas_are_fitted_whole():
    """They keep `$`, as JSON Schema wants; our checker takes fullmatch, and nobody else's is used."""
    importing = {
        name(p)
        for p in SOURCES
        if any(isinstance(n, ast.ImportFrom) and n.module and "jsonschema" in n.module for n in nodes(p))
    }
    assert importing == {"fos_ref/outside/form.py"}
    (form,) = [p for p in SOURCES if name(p) == "fos_ref/outside/form.py"]
    assert "re.fullmatch(wanted, value)" in form.read_text(encoding="utf-8")


def test_the_searches_would_see_them(tmp_path):
    path = tmp_path / "a.py"
    path.write_text(
        "import re, json\nA = re.compile(r'^[a-z]+$')\nre.match('a$', x)\nre.match(r'a\\$', x)\n"
        "re.compile('[$]')\njson.loads(data)\n"
    )
    tree = ast.parse(path.read_text())
    assert len([n for n in ast.walk(tree) if isinstance(n, ast.Call)]) == 5
    assert ends_in_dollar(path) == ["^[a-z]+$", "a$"]
    assert parsers(path) == {"json.loads"}
