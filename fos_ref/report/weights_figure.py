"""The figure of the weights report: MSE relative to plain NVFP4, tensor by tensor."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fos_ref.errors.text import shown
from fos_ref.report.figures import legend_below, log_ticks, reference_line, two_panels
from fos_ref.report.lineup import BASELINE, ROWS_OF_16, TILES
from fos_ref.report.style import dots, rows, spread, style
from fos_ref.report.weights import TOTAL, TOTAL_DEFAULT, Weights

SHOWN = 40  #: the largest tensors are drawn, in the order of the file
_LONGEST = 40
_SUFFIX = ".weight"
_ROW_INCHES = 0.24
_FRAME_INCHES = 1.5


def error_by_tensor(w: Weights, *, narrow: bool = False) -> Figure:
    """Draw a row for the total and one for each tensor: blocks of 1x16, then tiles of 16x16."""
    return drawn(w.tensors, w.totals[w.totals["total"] == TOTAL], narrow=narrow)


def drawn(measured: pd.DataFrame, total: pd.DataFrame, *, narrow: bool = False) -> Figure:
    """Draw the same from the rows of the tensors and those of their total."""
    tensors = _ratios(_largest(measured), "tensor")
    tensors.index = pd.Index(_short(list(tensors.index)))
    table = pd.concat([_ratios(total, "total"), tensors])
    with style():
        fig, (left, right) = two_panels(_FRAME_INCHES + _ROW_INCHES * len(table), (2.2, 1), narrow=narrow)
        _panel(left, table, [r for r in ROWS_OF_16 if r != BASELINE], "blocks of 1x16")
        _panel(right, table, TILES, "tiles of 16x16 (log axis)")
        log_ticks(right)
        right.tick_params(labelleft=narrow)
        for ax in (left, right) if narrow else (left,):
            ax.tick_params(axis="y", labelsize=7.5)
            ax.get_yticklabels()[0].set_fontweight("bold")
        left.set_xlabel("MSE relative to plain NVFP4, 1x16 blocks")
        right.set_xlabel("relative to the same")
        legend_below(fig, (left, right), columns=3 if narrow else 5)
        return fig


def _ratios(rows_of: pd.DataFrame, index: str) -> pd.DataFrame:
    """Return a row for each value of `index`, in their order, and a column for each recipe."""
    return rows_of.pivot_table(index=index, columns="recipe", values="mse_ratio", sort=False)


def _largest(tensors: pd.DataFrame) -> pd.DataFrame:
    sizes = tensors.drop_duplicates("tensor")
    names = sizes.assign(values=sizes["rows"] * sizes["cols"]).nlargest(SHOWN, "values")["tensor"]
    return tensors[tensors["tensor"].isin(names)]


def _panel(ax: Axes, table: pd.DataFrame, recipes: list[str] | tuple[str, ...], title: str) -> None:
    reference_line(ax)
    for recipe, shift in zip(recipes, spread(len(recipes), 0.8), strict=True):
        dots(ax, table[recipe], np.arange(len(table)) + shift, recipe, size=3.6)
    rows(ax, list(map(str, table.index)))
    ax.set_title(title)


def _short(names: list[str]) -> list[str]:
    """Return tensors' names as they are shown: without their suffix, where that leaves them apart."""
    own = {TOTAL, TOTAL_DEFAULT, *names}
    bare = [n.removesuffix(_SUFFIX) if n.removesuffix(_SUFFIX) not in own else n for n in names]
    return [shown(n, _LONGEST, reserved=(TOTAL, TOTAL_DEFAULT)) for n in bare]
