"""The report in a terminal: the worked block first, then a short summary."""

from __future__ import annotations

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fos_ref.errors.text import shown
from fos_ref.report.console import apart, of_rows, titled
from fos_ref.report.family.text import format_rows, rule_rows
from fos_ref.report.lineup import CHOOSERS, LINEUP
from fos_ref.report.measured import Report
from fos_ref.report.metrics import METRICS
from fos_ref.report.tables import by_distribution, Rows, totals
from fos_ref.report.weights import Weights
from fos_ref.report.worked import Mapping, Worked

#: What fits a terminal of 80 columns; report.md has them all.
_SUMMARY = [e.preset for e in LINEUP if e.preset != "te-mae-448"]
#: The distributions of the tables with a row for each format and for each rule.
SHOWN = ("normal", "laplace", "student-t3", "uniform", "lognormal")
_TOTAL_METRICS = ("mse_e3", "mse_ratio", "mae_pct", "sqnr_db", "share4_pct")


_INTRO = (
    "Four Over Six (4/6) against plain NVFP4. A block is 16 values of 4 bits under one scale of 8. Plain\n"
    "NVFP4 maps the largest value of a block to 6; 4/6 tries 6 and 4, and keeps the one that errs less.\n"
    "First one block, step by step: [10, 20, 30, 40] and twelve zeros. Then errors by distribution, and\n"
    "published numbers beside ours."
)


def show_worked(console: Console, worked: Worked) -> None:
    """Say what this is; print both candidates of the worked block, and what each recipe ends with."""
    console.print(Text(_INTRO), "")
    for m in worked.mappings:
        kept = ", kept by 4/6" if m.chosen else ""
        scale = f"block scale {m.raw_scale:.6g}, in E4M3 0x{m.scale_code:02X} = {m.scale:g}"
        console.print(Text(f"{m.name}{kept}: {scale}; MSE {m.mse:.10g}"))
        console.print(_steps(m), "")
    ends = (f"{mse:.10g} with {recipe}" for recipe, mse in worked.mse.items())
    console.print(Text(f"Mean squared error of the worked block: {', '.join(ends)}.\n"))


def _steps(m: Mapping) -> Table:
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
    return of_rows(rows)


def show_summary(console: Console, r: Report) -> None:
    """Print MSE by distribution, the share choosing 4, and the published numbers."""
    errors = by_distribution(r.errors, "mse_e3", _SUMMARY, digits=2)
    share = by_distribution(r.errors, "share4_pct", CHOOSERS, digits=1)
    tables = (
        titled(METRICS["mse_e3"], of_rows(errors)),
        titled(METRICS["share4_pct"], of_rows(share)),
        titled(f"{METRICS['mse_e3']}: other formats", of_rows(format_rows(r.family, SHOWN))),
        titled(f"{METRICS['mse_e3']}: the best block scales", of_rows(rule_rows(r.optimum, SHOWN))),
        titled("published numbers beside ours", of_rows(_published(r.published))),
    )
    console.print(apart(*tables), "")


def show_weights(console: Console, w: Weights) -> None:
    """Print the totals of a weights file."""
    for title, group in w.totals.groupby("total", sort=False):
        heading = f"{shown(w.name)}: {title}, {group['tensors'].iloc[0]} tensors"
        header, *body = totals(group, _TOTAL_METRICS)
        rows = [[header[0], *(METRICS[m] for m in _TOTAL_METRICS)], *body]
        console.print(titled(heading, of_rows(rows)), "")
    if w.left:
        console.print(Text(f"{len(w.left)} tensors were not measured; the report says which and why."))


def _published(table: pd.DataFrame) -> Rows:
    rows = [["quantity", "source", "published", "ours", "deviation"]]
    for _, row in table.iterrows():
        deviation = "" if pd.isna(row["deviation_pct"]) else f"{row['deviation_pct']:+.2f} %"
        source = str(row["source"]).partition(" (")[0].partition(",")[0]
        rows.append([str(row["quantity"]), source, str(row["published"]), f"{row['ours']:.7g}", deviation])
    return rows
