"""The documentation site: it has every public name, each documented whole, and no link leads nowhere."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from urllib.parse import urlsplit

import pytest

import fos_gpu
import fos_ref
from tests.doors.test_complete import MODULES_OF_VERIFY
from tests.meta.tree import ROOT

SITE = ROOT / "docs" / "site"


def beside(name: str):
    """Import a program of docs/site, which finds its neighbours by their names."""
    sys.path.insert(0, str(SITE))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(SITE))


public, links, docstrings = beside("public"), beside("links"), beside("docstrings")
NAMES = [(m, n) for m in public.MODULES for n in public.names_of(m)]
CALLS = {
    (m, n): f
    for m, n in NAMES
    if callable(f := getattr(importlib.import_module(m), n)) and not isinstance(f, type)
}
#: Of signatures: what holds values or bytes.
_ARRAYS = re.compile(r"Array|F32|F64|U8|U32|I64|: 'Any'|Quantized")
_REFERS = re.compile(r"\b(?:as|of) `\w[\w.]*`")  #: "errors are those of `check`"
#: Calls that compute, whose docstrings have every part.
WHOLE = {
    "fos_ref": ("dequantize", "exact_error", "from_bytes", "quantize"),
    "fos_ref.formats": ("decode", "encode"),
    "fos_ref.random": ("stochastic",),
    "fos_ref.rotate": ("hadamard",),
    "fos_ref.matmul": ("exact",),
    "fos_ref.verify": ("check", "check_stochastic"),
    "fos_ref.verify.distributions": ("make",),
    "fos_gpu": ("dequantize", "errors", "exact", "quantize"),
}
PARTS = {
    "shapes": r"[Ss]hape",
    "dtypes": r"[Dd]type",
    "roundings": r"[Rr]ound",
    "specials": r"Special|NaN|inite",
    "errors": r"Raise|[Ee]rror",
    "source": r"Spec:|Source|\bN\d+|docs/",
}
DOCUMENTS = sorted(
    p
    for p in (
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("reports/*.md"),
        ROOT / "golden" / "README.md",
    )
    if p.parent != SITE
)
_LINK = re.compile(r"(?<!\!)\[[^\]\n]+\]\(([^()\s]+)\)")


def test_every_public_name_has_its_place():
    rooms = {
        f"fos_ref.{p}"
        for p in fos_ref._PACKAGES
        if hasattr(importlib.import_module(f"fos_ref.{p}"), "__all__")
    }
    wanted = {
        "fos_ref",
        "fos_gpu",
        "fos_ref.errors",
        *rooms,
        *(f"fos_ref.verify.{m}" for m in MODULES_OF_VERIFY),
    }
    assert set(public.MODULES) == wanted
    assert len(NAMES) > 150
    text = dict(public.pages())
    for page, (_, modules) in public.PAGES.items():
        shown = set(re.findall(r"^\.\. auto(?:class|function|data):: ([\w.]+)$", text[page], re.MULTILINE))
        assert shown == {f"{m}.{n}" for m in modules for n in public.names_of(m)}
    assert {n for m, n in NAMES if m == "fos_ref"} == set(fos_ref.__all__)
    assert {n for m, n in NAMES if m == "fos_gpu"} == set(fos_gpu.__all__)


def test_every_public_class_and_its_public_methods_are_documented():
    bare = []
    for module, name in NAMES:
        value = getattr(importlib.import_module(module), name)
        if isinstance(value, type):
            own = {
                n: v
                for n, v in vars(value).items()
                if (not n.startswith("_") and callable(v)) or isinstance(v, property)
            }
            bare += [f"{module}.{name}"] * (not value.__doc__)
            bare += [
                f"{module}.{name}.{n}"
                for n, v in own.items()
                if not n.startswith("_") and not inspect.getdoc(v)
            ]
    assert bare == []


def lacking(text: str, parts: tuple[str, ...]) -> list[str]:
    return [part for part in parts if not re.search(PARTS[part], text)]


def test_every_call_says_its_errors_and_a_call_on_arrays_their_shapes_and_dtypes():
    found = {}
    for (module, name), f in CALLS.items():
        text = inspect.getdoc(f) or ""
        if not inspect.signature(f).parameters or _REFERS.search(text):
            continue
        on_arrays = _ARRAYS.search(str(inspect.signature(f)))
        missing = lacking(text, ("errors", "shapes", "dtypes") if on_arrays else ("errors",))
        if missing:
            found[f"{module}.{name}"] = missing
    assert found == {}


@pytest.mark.parametrize("module", WHOLE)
def test_a_call_that_computes_says_everything(module):
    for name in WHOLE[module]:
        assert lacking(inspect.getdoc(CALLS[module, name]) or "", tuple(PARTS)) == [], name


def place(heading: str) -> str:
    """Return the anchor that GitHub and the site give a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.strip()).lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def places(text: str) -> set[str]:
    """Return the anchors of a document."""
    outside = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return {place(h) for h in re.findall(r"^#{1,6} (.*)$", outside, re.MULTILINE)}


def test_every_link_of_a_document_leads_somewhere():
    wrong, seen = [], 0
    for path in DOCUMENTS:
        text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        text = re.sub(r"`[^`\n]*`|^ {4}.*$", "", text, flags=re.MULTILINE)
        for link in _LINK.findall(text):
            seen += 1
            parts = urlsplit(link)
            if parts.scheme:
                if parts.scheme != "https" or "." not in parts.netloc:
                    wrong.append((path.name, link))
                continue
            target = (path.parent / parts.path).resolve() if parts.path else path
            if not target.exists() or (
                parts.fragment and parts.fragment not in places(target.read_text("utf-8"))
            ):
                wrong.append((path.name, link))
    assert wrong == []
    assert seen > 60


def test_a_link_that_leads_nowhere_is_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<h1 id="top">A</h1><a href="b.html#here">b</a><a href="#top">t</a><a href="https://x.org/y">o</a>'
    )
    (tmp_path / "b.html").write_text('<p id="here">B</p><a href="a.html?x=1#top">a</a>')
    assert links.broken(tmp_path) == []
    (tmp_path / "b.html").write_text(
        '<p>B</p><a href="c.html">c</a><a href="http://nowhere">n</a><a href="x:y">s</a>'
    )
    assert links.broken(tmp_path) == [
        "a.html: b.html#here",
        "b.html: c.html",
        "b.html: http://nowhere",
        "b.html: x:y",
    ]


def test_docstrings_are_set_as_they_are_meant():
    given = ["Return `x * y`, N1.", "", "x: one", "y: two,", "   three", "", ">>> 1", "1"]
    assert docstrings.as_rst(given) == [
        "Return ``x * y``, N1.",
        "",
        *(".. code-block:: none", "", "    x: one", "    y: two,", "       three", ""),
        *(".. code-block:: pycon", "", "    >>> 1", "    1", ""),
    ]
    assert docstrings.as_rst(["A * b_ | c."]) == [r"A \* b\_ \| c.", ""]
    assert not docstrings.is_prose(["name   what it is"])
