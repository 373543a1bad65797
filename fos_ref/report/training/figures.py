"""The figures of the page on training. Each function takes measured tables and returns a drawn figure."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from fos_ref.report.figures import legend_below
from fos_ref.report.style import FAINT, rows, style, WIDTH
from fos_ref.report.training.layer import PRODUCTS, SHOWN
from fos_ref.report.training.rounders import ROUNDERS
from fos_ref.report.training.sharing import SUMS

_GRID = "#e3e3e3"
#: rounder -> (colour, marker, filled): the colours of Okabe and Ito, hollow for what is never shipped
_LOOK = {
    "nearest": ("#4d4d4d", "o", False),
    "sr-ideal": ("#0072b2", "o", False),
    "sr-a8": ("#0072b2", "o", True),
    "sr-a4": ("#56b4e9", "v", True),
    "te-ideal": ("#d55e00", "s", False),
    "te-a8": ("#d55e00", "s", True),
    "4over6-own": ("#e69f00", "D", True),
    "4over6-same": ("#e69f00", "D", False),
    "eden": ("#009e73", "^", True),
    "eden-shared": ("#009e73", "^", False),
    "eden-simulator": ("#a6761d", "X", True),
}
_MAPS = (("#0072b2", "o"), ("#56b4e9", "v"), ("#d55e00", "s"), ("#e69f00", "D"))
_NAMES = {"y": "y = x W^T", "grad_x": "gradient of x", "grad_w": "gradient of W"}


def rounders(costs: pd.DataFrame) -> Figure:
    """Draw error and shrink of every rounder, with intervals."""
    labels = [ROUNDERS[str(n)].label for n in costs["rounder"]]
    with style():
        fig = Figure(figsize=(WIDTH, 4.0), layout="constrained")
        left, right = fig.subplots(1, 2, sharey=True)
        for place, (_, row) in enumerate(costs.iterrows()):
            for ax, metric, times in ((left, "error_e3", 1.0), (right, "shrink", 1e3)):
                _dot(ax, str(row["rounder"]), times * row[metric], place, times * row[f"{metric}_ci"])
        for ax in (left, right):
            rows(ax, labels)
        right.axvline(0, color=FAINT, linewidth=1, zorder=1)
        left.set_xlim(0)
        left.set_xlabel("squared error over the power, \u00d7 10\u207b\u00b3")
        right.set_xlabel("shrink, 1 - <q, x> / <x, x>, \u00d7 10\u207b\u00b3")
        return fig


def _dot(ax: Axes, rounder: str, x: float, y: float, ci: float) -> None:
    colour, marker, filled = _LOOK[rounder]
    face = colour if filled else "white"
    ax.errorbar(x, y, xerr=ci, fmt=marker, color=colour, markersize=6, markerfacecolor=face, zorder=4)


def curves(errors: pd.DataFrame, plateaus: pd.DataFrame) -> Figure:
    """Draw the error of the mean of draws by their number; dotted: the floors of those that flatten."""
    flat = plateaus[plateaus["flattens"] == "yes"].set_index("rounder")["floor"]
    with style():
        fig = Figure(figsize=(WIDTH, 5.6), layout="constrained")
        ax = fig.subplots()
        for name, one in errors.groupby("rounder", sort=False):
            colour, marker, filled = _LOOK[str(name)]
            face = colour if filled else "white"
            ax.plot(
                one["draws"],
                one["error"],
                color=colour,
                marker=marker,
                markersize=5,
                markerfacecolor=face,
                label=ROUNDERS[str(name)].label,
            )
            if name in flat.index and name != "nearest":
                ax.axhline(float(flat[name]), color=colour, linestyle=":", linewidth=1, zorder=1)
        _guide(ax, errors)
        ax.set_xscale("log", base=2)
        ax.set_yscale("log", base=10)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
        ax.xaxis.set_major_locator(LogLocator(base=2))
        ax.grid(axis="y", color=_GRID, linewidth=0.7)
        ax.set_xlabel("B, draws that are averaged")
        ax.set_ylabel("squared error of the mean over the power")
        legend_below(fig, (ax,), columns=4)
        return fig


def _guide(ax: Axes, errors: pd.DataFrame) -> None:
    """Draw the slope -1 below all curves."""
    draws = np.array(sorted(set(errors["draws"])), dtype=np.float64)
    start = 0.6 * float(errors[errors["draws"] == 1]["error"].min())
    ax.plot(draws, start / draws, color=FAINT, linestyle="--", linewidth=1, label="slope -1")


def shared(table: pd.DataFrame) -> Figure:
    """Draw the variance of sums of errors by their length, and both laws."""
    with style():
        fig = Figure(figsize=(WIDTH, 4.2), layout="constrained")
        ax = fig.subplots()
        laws = table[table["map"] == next(iter(SUMS))]
        ax.plot(laws["n"], laws["own"], color=FAINT, linestyle="--", label="own numbers: n/6")
        law = "one number: n/6 + n (n - 1) / 12"
        ax.plot(laws["n"], laws["shared"], color=FAINT, linestyle="-", label=law)
        for name, (colour, marker) in zip(SUMS, _MAPS, strict=True):
            one = table[table["map"] == name]
            ax.plot(one["n"], one["variance"], marker, color=colour, markersize=6, label=name)
        ax.set_xscale("log", base=2)
        ax.set_yscale("log", base=10)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
        ax.grid(axis="y", color=_GRID, linewidth=0.7)
        ax.set_xlabel("n, values that are summed where a map may make them share")
        ax.set_ylabel("variance of the sum, squared steps")
        legend_below(fig, (ax,), columns=3)
        return fig


def layer(table: pd.DataFrame) -> Figure:
    """Draw for each product what one draw of each stack errs, and which part of it averaging keeps."""
    kept = table.set_index(["product", "stack"])["bias_pct"].to_dict()
    drawn = table.set_index(["product", "stack"])["one_draw_pct"].to_dict()
    with style():
        fig = Figure(figsize=(WIDTH, 3.4), layout="constrained")
        panels = fig.subplots(1, len(PRODUCTS), sharey=True, sharex=True)
        for ax, product in zip(panels, PRODUCTS, strict=True):
            for place, name in enumerate(SHOWN):
                label = None if place else "error of one draw"
                ax.barh(place, drawn[product, name], color="#7db5d8", height=0.62, label=label, zorder=2)
                label = None if place else "kept by the mean of endless draws"
                ax.barh(place, kept[product, name], color="#0072b2", height=0.3, label=label, zorder=3)
            rows(ax, [s.label for s in SHOWN.values()])
            ax.set_title(_NAMES[product])
            ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g} %"))
        panels[1].set_xlabel("root of the squared error over the power")
        legend_below(fig, list(panels), columns=2)
        return fig
