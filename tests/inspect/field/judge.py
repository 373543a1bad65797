"""What an inspection has to say, and nothing besides: kinds of problem by weight, words, the exit code."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fos_ref.cli import run


def fos(*args: Any) -> tuple[int, str, str]:
    """Run `fos`; return the exit code and what it printed on both streams."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([str(a) for a in args])
    return code, out.getvalue(), err.getvalue()


def inspected(path: Path, *options: Any) -> tuple[int, dict[str, Any]]:
    """Return exit code and document of `fos inspect --json`."""
    code, out, err = fos("inspect", path, *options, "--json")
    assert (code in {0, 1}, err) == (True, "")
    return code, json.loads(out)


def told(path: Path, *options: Any) -> str:
    """Return what `fos inspect` prints for a reader, blanks and line breaks evened out."""
    code, out, err = fos("inspect", path, *options)
    assert (code in {0, 1}, err) == (True, "")
    return " ".join(out.split())


def named(document: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return weight -> the kinds of the problems that name it."""
    found: dict[str, set[str]] = {}
    for p in document["problems"]:
        assert set(p) >= {"problem", "weights", "what"}
        assert p["weights"], p
        assert len(set(p["weights"])) == len(p["weights"]), p
        assert "\n" not in p["what"]
        for w in p["weights"]:
            found.setdefault(w, set()).add(p["problem"])
    return found


def fits(kinds: set[str], wanted: str) -> bool:
    """Return whether the kinds are those wanted: `a b` both, `a|b` at least one of them, `b?` may be too."""
    allowed = set(wanted.replace("?", "").replace("|", " ").split())
    required = [set(w.split("|")) for w in wanted.split() if not w.endswith("?")]
    return kinds <= allowed and all(kinds & each for each in required)


def sentences(document: Mapping[str, Any], kind: str) -> str:
    """Return what all problems of a kind say."""
    return " ".join(p["what"] for p in document["problems"] if p["problem"] == kind)


def judge(
    path: Path,
    against: Path | None,
    wanted: Mapping[str, str],
    *options: Any,
    says: Mapping[str, str | tuple[str, ...]] | None = None,
) -> dict[str, Any]:
    """Inspect; hold problems, words and the exit code against what is right; return the document.

    Without an original --strict lets a problem be exit 1.

    wanted: weight -> the kinds that name it, as `fits` reads them; weights that are not in it are innocent
    says:   kind -> words that its sentences have, in any case; `a|b`: one of them
    """
    how = ("--strict",) if against is None else ("--against", against)
    code, document = inspected(path, *how, *options)
    found = named(document)
    wrong = {w: (found.get(w, set()), wanted.get(w, "")) for w in found.keys() | wanted.keys()}
    wrong = {w: v for w, v in wrong.items() if not fits(*v)}
    assert wrong == {}, document["problems"]
    for kind, words in (says or {}).items():
        text = sentences(document, kind).casefold()
        for word in (words,) if isinstance(words, str) else words:
            assert any(w in text for w in word.casefold().split("|")), (word, text)
    assert code == int(bool(document["problems"]))
    return document


def equal(document: Mapping[str, Any]) -> tuple[int, int]:
    """Return (equal blocks, blocks compared) of all weights."""
    every = document["weights"].values()
    return sum(w["equal"] or 0 for w in every), sum(w["blocks"] for w in every)


def refused(*args: Any) -> str:
    """Return the one line with which `fos` refuses its input, exit 2."""
    code, out, err = fos(*args)
    assert (code, out, err.count("\n")) == (2, "", 1), (code, out, err)
    return err
