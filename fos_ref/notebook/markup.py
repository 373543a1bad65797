"""Text and tables as HTML: everything from outside is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from fos_ref.errors.text import lines, shown


def text(value: object) -> str:
    """Return a value as HTML text: nothing that a page acts on, nothing that is not seen."""
    return escape(lines(str(value)))


def name(value: str) -> str:
    """Return a name from outside as HTML text, in quotes where it is not plain."""
    return escape(shown(value))


def table(header: Sequence[object], rows: Iterable[Sequence[object]], caption: str) -> str:
    """Return a table; the first cell of a row names it."""
    head = "".join(f'<th scope="col">{text(c)}</th>' for c in header)
    body = "".join(
        f'<tr><th scope="row" style="text-align:left">{text(first)}</th>'
        + "".join(f"<td>{text(c)}</td>" for c in rest)
        + "</tr>"
        for first, *rest in rows
    )
    top = f"<caption>{text(caption)}</caption><thead><tr>{head}</tr></thead>"
    return f"<table>{top}<tbody>{body}</tbody></table>"
