"""The tables of a report folder: what was measured already, read back by name."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from fos_ref.errors import InputError
from fos_ref.foreign import shown
from fos_ref.outside.files import read_file

_MOST = 1 << 26  #: bytes of one table
#: The columns that the page reads, by the beginning of a table's name.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "errors": ("distribution", "recipe", "mse_ratio", "mse_ratio_ci", "mse_e3", "mse_e3_ci", "share4_pct"),
    "position": ("from", "to", "mse_map6", "mse_map4", "mse_chosen", "part_map6", "part_map4", "part_chosen"),
    "family": ("distribution", "recipe", "bits", "sqnr_db", "sqnr_db_ci"),
    "optimum": ("distribution", "recipe", "mse_e3", "gap_pct"),
    "published": ("quantity", "published", "ours", "deviation_pct", "agrees", "source"),
    "wrong-choices": ("preset", "input", "blocks", "flipped", "ties_broken", "cost"),
    "disagreement-": ("preset", "dialect", "chip_decides"),
    "weights-": ("tensor", "rows", "cols", "recipe", "mse_ratio"),
    "training-rounders": ("rounder", "error_e3", "error_e3_ci", "shrink", "shrink_ci"),
    "training-curves": ("rounder", "draws", "error"),
    "training-plateaus": ("rounder", "floor", "flattens"),
    "training-layer": ("stack", "product", "one_draw_pct", "bias_pct"),
    "training-shared-noise": ("map", "n", "variance", "own", "shared"),
    "products-certified": ("data", "k", "element_pct", "block_pct"),
    "products-distances": ("data", "k", "accumulator", "largest", "any_order"),
    "products-programs": ("data", "out", "program", "other", "differ_pct"),
    "products-leaks": ("scheme", "leak", "pairs_q", "pairs_k", "pairs_v", "reach"),
    "models-matrix": ("cell", "draw", "mean_nll", "nll_minus_float32"),
    "pretraining-gaps": ("model", "arm", "against", "seeds", "gap", "half_width"),
}
Tables = dict[str, pd.DataFrame]


def tables_of(folder: Path, made: Mapping[str, bytes]) -> Tables:
    """Return the tables by name, without .csv: those just made, and of the others what lies in the folder.

    Raises: OSError; InputError for a file that is no table of such columns.
    """
    stored = [p for p in sorted(folder.glob("*.csv")) if p.name not in made] if folder.is_dir() else []
    data = {p.name: read_file(p, _MOST, InputError) for p in stored if _columns(p.stem)}
    data |= {name: content for name, content in made.items() if name.endswith(".csv")}
    found = {n.removesuffix(".csv"): (n, b) for n, b in data.items()}
    return {stem: read_table(b, name, _columns(stem)) for stem, (name, b) in found.items() if _columns(stem)}


def _columns(stem: str) -> tuple[str, ...]:
    """Return the columns that a table of this name needs; () for one that the page does not show."""
    for start, columns in COLUMNS.items():
        if stem == start or (start.endswith("-") and stem.startswith(start)):
            return columns
    return ()


def read_table(data: bytes, name: str, columns: tuple[str, ...]) -> pd.DataFrame:
    """Return a table from its bytes: a column of numbers is float64, any other text.

    Raises: InputError for other bytes, for rows of other lengths and for a column that is missing.
    """
    allowed = f"a table (CSV) with the columns {', '.join(columns)} is allowed"
    try:
        header, *rows = list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error, ValueError) as e:
        msg = f"{shown(name)}: {type(e).__name__}: {allowed}"
        raise InputError(msg) from e
    missing = [c for c in columns if c not in header]
    odd = next((n for n, row in enumerate(rows, start=2) if len(row) != len(header)), None)
    if missing or odd or not rows or len(set(header)) < len(header):
        what = f"no column {missing[0]}" if missing else f"row {odd}" if odd else "no rows, or a name twice"
        msg = f"{shown(name)}: {what}: {allowed}"
        raise InputError(msg)
    return pd.DataFrame({c: _values([row[i] for row in rows]) for i, c in enumerate(header)})


def _values(texts: list[str]) -> list[float] | list[str]:
    try:
        return [float(t or "nan") for t in texts]
    except ValueError:
        return texts
