"""The sections on real weights, one for each file that was measured."""

from __future__ import annotations

import pandas as pd

from fos_ref.report.lineup import BASELINE, LINEUP, RECIPES
from fos_ref.report.page.embed import drawing
from fos_ref.report.page.folder import Tables
from fos_ref.report.page.parts import number, Section, Table
from fos_ref.report.weights import TOTAL, TOTAL_DEFAULT
from fos_ref.report.weights_figure import drawn

_START = "weights-"


def sections(t: Tables) -> list[Section]:
    """Return a section for each weights file."""
    return [_section(name, table) for name, table in t.items() if name.startswith(_START)]


def _section(name: str, table: pd.DataFrame) -> Section:
    totals = table["tensor"].isin((TOTAL, TOTAL_DEFAULT)) & table["rows"].isna()
    tensors, whole = table[~totals], table[totals & (table["tensor"] == TOTAL)]
    known = tensors[tensors["recipe"].isin(RECIPES)]
    ratio = known.pivot_table(index="tensor", columns="recipe", values="mse_ratio", sort=False)
    columns = [e for e in LINEUP if e.preset in ratio.columns and e.preset != BASELINE]
    body = [
        [str(tensor), *(number(float(row[e.preset])) for e in columns)] for tensor, row in ratio.iterrows()
    ]
    numbers = Table(
        "MSE relative to plain NVFP4, by tensor", [["tensor", *(e.label for e in columns)], *body]
    )
    title = name.removeprefix(_START)
    return Section(
        f"weights-{abs(hash_of(title))}",
        f"Weights of {title}",
        (f"{len(ratio)} tensors, layer by layer; the largest are drawn, in the order of the file.",),
        (
            drawing(
                lambda narrow: drawn(known, whole.rename(columns={"tensor": "total"}), narrow=narrow),
                f"Mean squared error relative to plain NVFP4 in {title}",
                "The first row is the total over all tensors.",
                numbers,
            ),
        ),
    )


def hash_of(title: str) -> int:
    """Return a number that is the same for the same title: a link may not hold what a name may."""
    value = 0
    for byte in title.encode("utf-8", "surrogateescape"):
        value = (value * 31 + byte) % 1_000_003
    return value
