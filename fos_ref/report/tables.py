"""Tables as text, Markdown and CSV: which numbers stand in which cell, with how many digits."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

import pandas as pd

from fos_ref.errors.text import lines
from fos_ref.errors.text import shown as escaped
from fos_ref.report.lineup import BY_PRESET, DISTRIBUTION_LABELS

SIGNIFICANT = 7  #: digits in CSV and JSON: the last bits of a float64 sum may differ between machines
#: Digits after the point where a metric is shown to a reader.
DECIMALS = {"mse_e3": 3, "mse_ratio": 4, "mae_pct": 3, "max_pct": 2, "sqnr_db": 3, "share4_pct": 2}

Rows = list[list[str]]
NAME_COLUMN = "tensor"  #: of names from a file
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")  #: a spreadsheet runs it
_WORD = re.compile(r"(?:[\w .,:;/+^@%=()~'-]| \* )*", re.ASCII)  #: nothing that Markdown acts on
_PART = 1 << 20  #: characters of one line of a document


def csv(table: pd.DataFrame, totals: pd.DataFrame | None = None) -> bytes:
    """Return a table as CSV, floats to SIGNIFICANT digits; below it the totals, whose names are our own.

    A text is in quotes, with escapes, where a program acts on it or it reads like the name of a total.
    """
    own = set() if totals is None else {v for v in totals.to_numpy().flat if isinstance(v, str)}
    names = set(table[NAME_COLUMN]) & own if NAME_COLUMN in table else set()
    made = table.map(lambda v: cell(v, quoted=v in names) if isinstance(v, str) else v)
    if totals is not None:
        made = pd.concat([made, totals])
    return made.to_csv(index=False, float_format=f"%.{SIGNIFICANT}g", lineterminator="\n").encode()


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a table as JSON values: floats to the digits of the CSV, null for what is not finite."""
    return [{str(k): _plain(v) for k, v in row.items()} for row in table.to_dict("records")]


def _plain(value: object) -> object:
    if not isinstance(value, float):
        return value
    return float(f"{value:.{SIGNIFICANT}g}") if math.isfinite(value) else None


def cell(text: str, *, quoted: bool = False) -> str:
    """Return a text as a cell of a spreadsheet: no formula, nothing that is not seen."""
    return escaped(text, None, reserved=(text,) if quoted or text.startswith(_FORMULA) else ())


def shown(metric: str, value: float, ci: float | None = None) -> str:
    """Return a metric to its digits, with its interval if there is one."""
    digits = DECIMALS[metric]
    return f"{value:.{digits}f}" if ci is None else f"{value:.{digits}f} \u00b1 {ci:.{digits}f}"


def by_distribution(
    errors: pd.DataFrame, metric: str, recipes: Sequence[str], *, digits: int | None = None
) -> Rows:
    """Return a header and a row for each distribution: one metric, a column for each recipe.

    With `digits` given, the mean alone to that many; else the metric's own digits and the interval.
    """
    cells = {
        (d, r): shown(metric, v, ci) if digits is None else f"{v:.{digits}f}"
        for d, r, v, ci in zip(
            errors["distribution"], errors["recipe"], errors[metric], errors[f"{metric}_ci"], strict=True
        )
    }
    header = ["", *(BY_PRESET[r].label for r in recipes)]
    return [header, *([label, *(cells[d, r] for r in recipes)] for d, label in DISTRIBUTION_LABELS.items())]


def totals(table: pd.DataFrame, metrics: Sequence[str]) -> Rows:
    """Return a header and a row for each recipe of one total."""
    return [
        ["", *metrics],
        *(
            [BY_PRESET[str(row["recipe"])].label, *(shown(m, float(row[m])) for m in metrics)]
            for _, row in table.iterrows()
        ),
    ]


def markdown(rows: Rows) -> str:
    """Return rows, the header first, as a Markdown table; the first column is text, the others numbers."""
    return _markdown(rows, ["---", *["---:"] * (len(rows[0]) - 1)])


def prose(rows: Rows) -> str:
    """Return rows as a Markdown table of left-aligned text."""
    return _markdown(rows, ["---"] * len(rows[0]))


def _markdown(rows: Rows, rule: list[str]) -> str:
    header, *body = rows
    titles = [title.replace("|", "\\|") for title in header]
    return "\n".join("| " + " | ".join(r) + " |" for r in (titles, rule, *body)) + "\n"


def literal(text: str) -> str:
    """Return text from outside as Markdown code: no markup, nothing but printable, no cell breaks."""
    return "`" + escaped(text).replace("`", "'").replace("|", "\\|") + "`"


def word(text: str) -> str:
    """Return text from outside for a sentence; as Markdown code where it might be more than text."""
    return text if _WORD.fullmatch(text) else literal(text)


def link(name: str) -> str:
    """Return the name of a file beside the page as the target of a link: no scheme, no bracket, no blank."""
    return quote(os.fsencode(name))


def sections(parts: Iterable[str]) -> bytes:
    """Join the parts of a document with blank lines; what is not printable is escaped once more."""
    return ("\n\n".join(lines(p.strip("\n"), _PART) for p in parts) + "\n").encode()
