"""The figures of the page on products. Each function takes measured tables and returns a drawn figure."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from fos_ref.formats.arrays import Bool, F64
from fos_ref.report.figures import legend_below
from fos_ref.report.products.leaking import Leaks
from fos_ref.report.products.plan import DATA
from fos_ref.report.products.programs import DTYPES
from fos_ref.report.style import BAND, FAINT, INK, style, WIDTH

_GRID = "#e3e3e3"
_SHARES = (
    ("element_pct", "certified, single products", "#009e73", "^", "--"),
    ("block_pct", "certified, products of 16", "#0072b2", "o", "-"),
    ("te_exact_pct", "exact in te", "#e69f00", "s", ":"),
    ("blackwell-fp4_exact_pct", "exact in blackwell-fp4", "#cc4c7e", "D", ":"),
)
_DISTANCES = (
    ("te", "#e69f00", "s"),
    ("te reversed", "#a6761d", "X"),
    ("cutlass", "#009e73", "^"),
    ("blackwell-fp4", "#cc4c7e", "D"),
)
_ROUNDED = ("channels lognormal(2)", "abs(normal)", "blocks lognormal(3)")
_DARK = 45
_COLOURS = LinearSegmentedColormap.from_list("share", ("#ffffff", "#cfe4f1", "#7db5d8", "#0072b2", "#0b3c5d"))
_KINDS = {
    "none": ("clean", FAINT),
    "block-scale": ("block scale", "#0072b2"),
    "choice": ("choice of 4 or 6", "#56b4e9"),
    "tensor-amax": ("tensor amax", "#d55e00"),
    "mean": ("mean", "#009e73"),
}
_ACROSS = 5


def certified(table: pd.DataFrame) -> Figure:
    """Draw which outputs are certified and which are exact, by K, a panel for each kind of data."""
    with style():
        fig = Figure(figsize=(WIDTH, 5.2), layout="constrained")
        panels = fig.subplots(2, 3, sharex=True, sharey=True)
        for ax, name in zip(panels.flat, DATA, strict=True):
            rows = table[table["data"] == name]
            for column, label, colour, marker, dash in _SHARES:
                ax.plot(
                    rows["k"],
                    rows[column],
                    color=colour,
                    marker=marker,
                    linestyle=dash,
                    label=label,
                    markersize=4.5,
                )
            ax.set_title(name)
            _lengths(ax, grid=True)
            ax.set_ylim(-4, 104)
            ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g} %"))
        _name_lengths(panels[-1, 1])
        legend_below(fig, list(panels.flat), columns=4)
        return fig


def _lengths(ax: Axes, *, grid: bool) -> None:
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_locator(LogLocator(base=4))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    if grid:
        ax.grid(axis="y", color=_GRID, linewidth=0.7)


def _name_lengths(ax: Axes) -> None:
    ax.set_xlabel("K, values that an output adds up")


def distances(table: pd.DataFrame) -> Figure:
    """Draw the largest distance from the exact sum by K, on the kinds of data that round."""
    with style():
        fig = Figure(figsize=(WIDTH, 3.9), layout="constrained")
        panels = fig.subplots(1, len(_ROUNDED), sharex=True, sharey=True)
        for ax, name in zip(panels, _ROUNDED, strict=True):
            rows = table[table["data"] == name]
            for unit, colour, marker in _DISTANCES:
                one = rows[rows["accumulator"] == unit]
                seen = one["largest"].where(one["largest"] > 0)
                ax.plot(one["k"], seen, color=colour, marker=marker, markersize=4.5, label=unit)
            bound = rows[rows["accumulator"] == "te"]
            ax.plot(bound["k"], bound["any_order"], color=FAINT, linestyle="--", label="bound of any order")
            ax.set_yscale("log", base=10)
            ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
            ax.set_title(name)
            _lengths(ax, grid=True)
        panels[0].set_ylabel("largest |accumulator - exact|,\nunits of 2^-24 * sum |t|")
        _name_lengths(panels[1])
        legend_below(fig, list(panels), columns=5)
        return fig


def programs(table: pd.DataFrame, data: str = "normal") -> Figure:
    """Draw how many outputs of every two programs differ, a panel for each dtype of the output."""
    names = list(dict.fromkeys(table["program"]))
    with style():
        fig = Figure(figsize=(WIDTH, 4.9), layout="constrained")
        panels = fig.subplots(1, len(DTYPES), sharey=True)
        for ax, dtype in zip(panels, DTYPES, strict=True):
            rows = table[(table["data"] == data) & (table["out"] == dtype)]
            share = rows.pivot_table(index="program", columns="other", values="differ_pct", sort=False)
            picture = _shares(ax, share.loc[names, names].to_numpy())
            ax.set_xticks(range(len(names)), names, rotation=60, ha="right", rotation_mode="anchor", size=8)
            ax.set_yticks(range(len(names)), names, size=8)
            ax.set_title(f"outputs in {dtype}")
        bar = fig.colorbar(picture, ax=panels, shrink=0.7, aspect=30, pad=0.01)
        bar.set_label(f"outputs that differ, {data} data, %", size=8.5)
        bar.outline.set_visible(False)
        return fig


def _shares(ax: Axes, cells: F64) -> AxesImage:
    """Draw shares in percent; what differs has its figure."""
    picture = ax.imshow(cells, cmap=_COLOURS, vmin=0, vmax=100)
    for i, j in np.argwhere(cells > 0):
        colour = "white" if cells[i, j] > _DARK else INK
        shown = f"{cells[i, j]:.0f}" if cells[i, j] >= 1 else f"{cells[i, j]:.1g}".lstrip("0")
        ax.text(j, i, shown, ha="center", va="center", size=6, color=colour)
    ax.tick_params(length=0)
    ax.spines[["left", "bottom"]].set_visible(False)
    return picture


def leaks(found: Leaks) -> Figure:
    """Draw for each scheme which outputs (rows) depend on which later tokens (columns)."""
    table = found.table.set_index("scheme")
    down = -(-len(table) // _ACROSS)
    with style():
        fig = Figure(figsize=(WIDTH, 1.0 + 1.95 * down), layout="constrained")
        panels = list(fig.subplots(down, _ACROSS).flat)
        for ax in panels:
            ax.set_axis_off()
        for ax, name in zip(panels, found.matrices, strict=False):
            kind, colour = _KINDS.get(str(table.loc[name, "leak"]), (str(table.loc[name, "leak"]), INK))
            _matrix(ax, found.matrices[name], colour)
            ax.set_title(f"{name}\n{kind}", size=6.5, color=INK if kind == "clean" else colour)
        fig.supylabel("output i", size=9)
        fig.supxlabel("token j; filled: output i depends on it; the lower half is what it may see", size=9)
        return fig


def _matrix(ax: Axes, leak: Bool, colour: str) -> None:
    tokens = len(leak)
    seen = np.tri(tokens, dtype=np.int64)
    ax.set_axis_on()
    ax.imshow(np.where(leak, 2, seen), cmap=ListedColormap(["white", BAND, colour]), vmin=0, vmax=2)
    ax.plot((-0.5, tokens - 0.5), (-0.5, tokens - 0.5), color=FAINT, linewidth=0.5)
    ax.set_xticks(())
    ax.set_yticks(())
    for side in ax.spines.values():
        side.set_visible(True)
        side.set_linewidth(0.5)
