"""What a page is made of: sections of text, figures with their numbers, and tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pandas as pd
from matplotlib.figure import Figure

Cells = list[list[str]]
DIGITS = 4  #: of a number in a table of the page; the CSV files have seven
_EXACT = 1e15  #: from here on a whole number is written with an exponent


@dataclass(frozen=True, slots=True)
class Table:
    """Numbers: the header first. The first column names the row."""

    caption: str
    rows: Cells


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure for a wide page and, if it has one, for a telephone, beside the numbers that it shows."""

    title: str
    caption: str
    wide: str  #: SVG
    table: Table
    narrow: str = ""  #: SVG; "": the wide one, in a frame that scrolls
    paper: bool = False  #: whether it keeps a white ground in dark mode: an image has its own colours


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what belongs to it."""

    key: str  #: of links
    title: str
    says: Sequence[str]  #: paragraphs
    drawings: Sequence[Drawing] = ()
    tables: Sequence[Table] = ()
    kind: str = field(default="plain")  #: plain, or the part of the template that it has of its own


Draw = Callable[[bool], Figure]


def cells(table: pd.DataFrame, caption: str, names: dict[str, str] | None = None) -> Table:
    """Return a table of the page: numbers to DIGITS digits, nothing for what is not known."""
    titles = [(names or {}).get(str(c), str(c)) for c in table.columns]
    return Table(caption, [titles, *([number(v) for v in row] for row in table.itertuples(index=False))])


def number(value: object) -> str:
    """Return a value as it stands in a table."""
    if not isinstance(value, float):
        return str(value)
    if value != value:  # noqa: PLR0124 -- NaN
        return ""
    whole = value.is_integer() and abs(value) < _EXACT
    return f"{value:,.0f}" if whole else f"{value:.{DIGITS}g}"


def with_intervals(
    table: pd.DataFrame, caption: str, places: tuple[str, str], metric: str, labels: dict[str, str]
) -> Table:
    """Return a table of one metric with its interval; `places` are the columns that name rows and columns."""
    row, column = places
    columns = list(dict.fromkeys(map(str, table[column])))
    found = {
        (str(r), str(c)): number(float(v)) + (f" ± {number(float(ci))}" if ci == ci and ci else "")  # noqa: PLR0124
        for r, c, v, ci in zip(table[row], table[column], table[metric], table[f"{metric}_ci"], strict=True)
    }
    body = [
        [labels.get(r, r), *(found.get((r, c), "") for c in columns)]
        for r in dict.fromkeys(map(str, table[row]))
    ]
    return Table(caption, [["", *(labels.get(c, c) for c in columns)], *body])
