"""The section on wrong choices: how often float32 keeps the candidate with the larger exact error."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fos_ref.report.figures import legend_below
from fos_ref.report.page.embed import drawing
from fos_ref.report.page.folder import Tables
from fos_ref.report.page.parts import cells, Section
from fos_ref.report.style import NARROW, rows, spread, style, WIDTH

_SHOWN = (("near-tie", "#d55e00", "o"), ("coarse", "#0072b2", "s"), ("tiny", "#009e73", "^"))
_ROW = 0.22


def section(t: Tables) -> Section | None:
    """Return the section, None where nothing was measured."""
    if "wrong-choices" not in t:
        return None
    table = t["wrong-choices"].copy()
    for column in ("flipped", "ties_broken"):
        table[f"{column}_pct"] = 100 * table[column] / table["blocks"]
    columns = ["preset", "input", "blocks", "flipped_pct", "ties_broken_pct", "cost"]
    names = {"flipped_pct": "flipped, %", "ties_broken_pct": "ties broken, %", "cost": "cost, relative"}
    return Section(
        "wrong-choices",
        "How often float32 chooses wrongly",
        (
            (
                "Float32 rounds the errors that it compares. A block is flipped when it keeps the candidate "
                "whose exact error is larger. Near-tie blocks are built so that both err alike; on ordinary "
                "data almost nothing is flipped."
            ),
        ),
        (
            drawing(
                lambda narrow: _flipped(table, narrow=narrow),
                "Blocks on which float32 keeps the wrong candidate",
                "Every group of presets that choose alike, on three inputs.",
                cells(table[columns], "wrong choices by preset and input", names),
            ),
        ),
    )


def _flipped(table: pd.DataFrame, *, narrow: bool) -> Figure:
    """Draw the share of flipped blocks of each group, on the inputs that flip some."""
    share = table.pivot_table(index="preset", columns="input", values="flipped_pct", sort=False)
    shown = [s for s in _SHOWN if s[0] in share.columns]
    with style():
        size = NARROW if narrow else WIDTH, 1.2 + _ROW * len(share)
        fig = Figure(figsize=size, layout="constrained")
        ax = fig.subplots()
        for (name, colour, marker), shift in zip(shown, spread(len(shown), 0.7), strict=True):
            places = np.arange(len(share)) + shift
            ax.plot(share[name], places, marker, color=colour, markersize=4, label=name)
        rows(ax, [str(p) for p in share.index])
        ax.tick_params(axis="y", labelsize=5.5 if narrow else 7.5)
        ax.set_xlabel("blocks flipped, %")
        legend_below(fig, (ax,), columns=len(shown))
        return fig
