"""How text from outside is shown: names, paths, fields, what a library below says. One function escapes it.

A terminal, a page and a spreadsheet act on some characters. None of them leaves this package as it came:

    control characters (C0, C1), ESC and line breaks among them     surrogates without a partner
    format characters: bidirectional, joiners, zero width, tags     private and unassigned code points
    line and paragraph separators, blanks that are no space         letters and marks that nobody can see

Letters, marks, digits and signs of every script stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

NAME = 160  #: characters of one name
MESSAGE = 900  #: characters of one message, with room for a prefix and a remedy below 1,000
NAMES = 5  #: names of a list
#: Letters, marks and signs by Unicode that show nothing (Default_Ignorable, and the empty braille cell):
#: str.isprintable lets them through.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_QUOTES = ("'", '"')


def printable(text: str) -> str:
    """Return `text` with everything escaped that is not seen as what it is."""
    if text.isprintable() and not _UNSEEN.search(text):
        return text
    return "".join(c if _seen(c) else _escape(c) for c in text)


def _seen(c: str) -> bool:
    return c.isprintable() and not _UNSEEN.match(c)


def _escape(c: str) -> str:
    r"""Return a character as a Python string has it: \n, \x1b, \u202e, \U000e0001."""
    short = repr(c)[1:-1]
    if short != c:
        return short
    return f"\\u{ord(c):04x}" if ord(c) <= 0xFFFF else f"\\U{ord(c):08x}"  # noqa: PLR2004 -- the last of four digits


def in_ascii(text: str) -> str:
    """Return printable ASCII: what has no place in a file of another language is escaped."""
    return printable(text).encode("ascii", "backslashreplace").decode("ascii")


def cut(text: str, most: int) -> str:
    """Return at most `most` characters: a long text without its middle, and how many are left out."""
    if len(text) <= most:
        return text
    kept = max(0, most - len(f"...({len(text):,} more characters)..."))
    gone = f"...({len(text) - kept:,} more characters)..."
    return text[: kept - kept // 3] + gone + text[len(text) - kept // 3 :]


def shown(name: str, most: int | None = NAME, *, reserved: Collection[str] = ()) -> str:
    """Return one name as it is shown: in quotes, with escapes, where it is not plain; cut to about `most`.

    Quoted too: an empty name, one with a blank at an end, one that begins with a quote, and the `reserved`
    ones, which mean something else where the name is shown. So two names never look the same until they are
    cut.
    """
    text = name if most is None else cut(name, most)
    safe = printable(text)
    if safe == text and name and name == name.strip() and name[0] not in _QUOTES and name not in reserved:
        return text
    return "'" + printable(text.replace("\\", "\\\\")).replace("'", "\\'") + "'"


def listed(names: Iterable[str], most: int = NAMES, *, between: str = ", ") -> str:
    """Return the first names of a list, and how many there are besides."""
    every = list(names)
    first = [shown(n) for n in every[:most]]
    rest = len(every) - len(first)
    return between.join([*first, f"and {rest:,} more"] if rest else first)


def line(text: str, most: int = MESSAGE) -> str:
    """Return a message as one line: breaks at its ends gone, everything else escaped, cut to `most`."""
    short = cut(text.strip(), most)  # before the escapes: a name may have a million characters
    return cut(printable(short), most)


def lines(text: str, most: int = MESSAGE) -> str:
    """Return a message of several lines, each as `line` has it; the breaks are the message's own."""
    return "\n".join(cut(printable(one), most) for one in text.split("\n"))
