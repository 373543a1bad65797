"""The report in a terminal: the worked block first, then a short summary."""

from __future__ import annotations

import pandas as pd
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fos_ref.report.documents import Report
from fos_ref.report.lineup import BASELINE, CHOOSERS, LINEUP, METHOD
from fos_ref.report.metrics import METRICS
from fos_ref.report.tables import by_distribution, Rows, totals
from fos_ref.report.weights import Weights
from fos_ref.report.worked import Mapping, Worked

_TOTAL_METRICS = ("mse_e3", "mse_ratio", "mae_pct", "sqnr_db", "share4_pct")


def show_worked(console: Console, worked: Worked) -> None:
    """Print both candidates of the worked block step by step, and what each recipe ends with."""
    for m in worked.mappings:
        console.print(_mapping(m))
    console.print(
        f"Mean squared error: {worked.mse[BASELINE]!r} with {BASELINE}, {worked.mse[METHOD]:g} with {METHOD}."
    )


def _mapping(m: Mapping) -> Table:
    kept = ", kept by 4/6" if m.chosen else ""
    title = f"{m.name}{kept}: block scale {m.raw_scale:.6g} -> E4M3 0x{m.scale_code:02X} = {m.scale:g}; MSE {m.mse!r}"
    rows = [["x", "x / scale", "code", "value", "back", "error"]]
    rows += [
        [
            f"{s.x:g}",
            f"{s.scaled:.6g}",
            f"0x{s.code:X}",
            f"{s.element:g}",
            f"{s.dequantized:g}",
            f"{s.error:g}",
        ]
        for s in m.steps
    ]
    return _table(title, rows)


def show_summary(console: Console, r: Report) -> None:
    """Print MSE by distribution, the share choosing 4, and the published numbers."""
    recipes = [e.preset for e in LINEUP]
    console.print(_table(METRICS["mse_e3"], by_distribution(r.errors, "mse_e3", recipes, interval=False)))
    share = by_distribution(r.errors, "share4_pct", CHOOSERS, interval=False)
    console.print(_table(METRICS["share4_pct"], share))
    console.print(_table("published numbers beside ours", _published(r.published)))


def show_weights(console: Console, w: Weights) -> None:
    """Print the totals of a weights file."""
    for title, group in w.totals.groupby("total", sort=False):
        heading = f"{w.name}: {title}, {group['tensors'].iloc[0]} tensors"
        header, *body = totals(group, _TOTAL_METRICS)
        console.print(_table(heading, [[header[0], *(METRICS[m] for m in _TOTAL_METRICS)], *body]))
    if w.left:
        console.print(Text(f"{len(w.left)} tensors were not measured; the report says which and why."))


def _published(table: pd.DataFrame) -> Rows:
    rows = [["quantity", "published", "ours", "deviation"]]
    for _, row in table.iterrows():
        deviation = "" if pd.isna(row["deviation_pct"]) else f"{row['deviation_pct']:+.2f} %"
        rows.append([str(row["quantity"]), str(row["published"]), f"{row['ours']:.7g}", deviation])
    return rows


def _table(title: str, rows: Rows) -> Table:
    header, *body = rows
    table = Table(box=SIMPLE, title=Text(title), title_justify="left", pad_edge=False)
    for i, name in enumerate(header):
        table.add_column(Text(name), justify="right" if i else "left", no_wrap=not i)
    for row in body:
        table.add_row(*map(Text, row))
    return table
