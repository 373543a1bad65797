"""A Sphinx extension: the package's docstrings, which are plain text, as reStructuredText.

A docstring here is written to be read as it stands by `help()`: paragraphs, lists of "name: what it is" with
hanging lines, tables of aligned words, examples. Paragraphs become paragraphs. Everything else is shown as it
is written, in a block, so that nothing is guessed and nothing is lost.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any

_ALIGNED = re.compile(r"\S {2,}\S|^\s+\S|^(?:>>>|\.\.\.|[-*|#] )")  #: a line whose blanks mean something
_FIELD = re.compile(r"^[\w ,*`./()-]{1,40}: ")  #: "x: what it is"
_MARKED = re.compile(r"([\\*_|<>`])")
_CODE = re.compile(r"`([^`\n]+)`")


def as_rst(lines: list[str]) -> list[str]:
    """Return the lines of a docstring as reStructuredText."""
    made: list[str] = []
    for blank, part in groupby(lines, key=lambda line: not line.strip()):
        if not blank:
            paragraph = list(part)
            made += _prose(paragraph) if is_prose(paragraph) else _as_it_is(paragraph)
    return made


def is_prose(paragraph: list[str]) -> bool:
    """Return whether a paragraph is sentences: no line is aligned, no line but the first begins a field."""
    if any(map(_ALIGNED.search, paragraph)):
        return False
    return len(paragraph) == 1 or not any(map(_FIELD.match, paragraph))


def _prose(paragraph: list[str]) -> list[str]:
    """Return sentences with code in backticks, every other mark as text."""
    text = "\n".join(paragraph)
    parts, end = [], 0
    for code in _CODE.finditer(text):
        parts += [_MARKED.sub(r"\\\1", text[end : code.start()]), f"``{code[1]}``"]
        end = code.end()
    parts.append(_MARKED.sub(r"\\\1", text[end:]))
    return [*"".join(parts).split("\n"), ""]


def _as_it_is(paragraph: list[str]) -> list[str]:
    """Return a block that is shown as it is written."""
    examples = paragraph[0].lstrip().startswith(">>>")
    return [
        f".. code-block:: {'pycon' if examples else 'none'}",
        "",
        *(f"    {line}" for line in paragraph),
        "",
    ]


def _on_docstring(_app: Any, _what: str, _name: str, _obj: Any, _options: Any, lines: list[str]) -> None:
    """Rewrite the lines in place, as autodoc asks."""
    lines[:] = as_rst(list(lines))


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("autodoc-process-docstring", _on_docstring)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
