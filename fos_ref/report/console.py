"""Where tables are printed: fitted to a terminal; whole in a pipe or a file, one line a row."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.progress import Progress, ProgressColumn
from rich.table import Table
from rich.text import Text

from fos_ref.errors.text import cut, printable, shown

#: More columns than any table of ours has. A pipe has no width, so COLUMNS is not asked.
_WHOLE = 1 << 16


#: Characters of one cell or title; a reason that holds a name of any length is shorter.
_CELL = 2000


class _Plain(Console):
    """A console that shows text as text: a name may look like markup, or move the cursor."""

    def render_str(self, text: str, **_: Any) -> Text:
        """Return a string, of a cell or a line, as it is shown."""
        return plain(text)


class _Whole(_Plain):
    """A console of a pipe or a file: no line is wrapped, cut or padded with blanks at its end."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as a console does, without trailing blanks."""
        with self.capture() as caught:
            super().print(*objects, **options)
        self.file.write("\n".join(line.rstrip() for line in caught.get().split("\n")))
        self.file.flush()


def output(*, quiet: bool = False) -> Console:
    """Return the console of what a command prints: as wide as the terminal, or as the tables."""
    if sys.stdout.isatty():
        return _Plain(quiet=quiet)
    return _Whole(quiet=quiet, width=_WHOLE)


def errors() -> Console:
    """Return the console of the error stream, for what a terminal shows while a command runs."""
    return _Plain(stderr=True)


def progress(*columns: ProgressColumn) -> Progress:
    """Return bars on the error stream: drawn on a terminal, silent when piped."""
    console = errors()
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def table(left: Iterable[str], right: Iterable[str] = (), *, header: bool = True) -> Table:
    """Return an empty table of columns to the left, then columns to the right, numbers mostly.

    No lines stand between the cells: grep and awk would meet them, and not every encoding has them. A cell
    too wide for a terminal is folded, never cut.
    """
    made = Table(box=None, pad_edge=False, show_header=header)
    for side, names in (("left", left), ("right", right)):
        for name in names:
            made.add_column(plain(name), justify="right" if side == "right" else "left", overflow="fold")
    return made


def of_rows(rows: Sequence[Sequence[str]]) -> Table:
    """Return rows, the header first, as a table; the first column is text, the others numbers."""
    (first, *others), *body = rows
    made = table((first,), others)
    for row in body:
        made.add_row(*map(plain, row))
    return made


def titled(title: str, body: Table) -> Group:
    """Return a table under its title, which stands on one line of its own."""
    return Group(plain(title), body)


def apart(*parts: RenderableType) -> Group:
    """Return the parts with an empty line between each two."""
    return Group(*(x for i, part in enumerate(parts) for x in ("", part)[not i :]))


def plain(text: str) -> Text:
    """Return a sentence or a value that may hold text from outside: no markup, nothing but printable."""
    return Text(cut(printable(cut(text, _CELL)), _CELL))


def named(name: str) -> Text:
    """Return one name from outside, in quotes where it is not plain."""
    return Text(shown(name, _CELL))
