"""The figures of the synthetic report. Each function takes a table and returns a drawn figure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from scipy.interpolate import PchipInterpolator

from fos_ref.formats.arrays import F64
from fos_ref.model.elements import E2M1_VALUES
from fos_ref.report.lineup import (
    BASELINE,
    BY_PRESET,
    CHOOSERS,
    DISTRIBUTION_LABELS,
    METHOD,
    ROWS_OF_16,
    TILES,
)
from fos_ref.report.position import CURVES
from fos_ref.report.style import distribution_rows, dots, LOOK, NARROW, spread, style, WIDTH


def error_by_distribution(errors: pd.DataFrame, *, narrow: bool = False) -> Figure:
    """Draw the MSE of each rule relative to plain NVFP4: 1x16 blocks, then 16x16 tiles."""
    with style():
        fig, (left, right) = two_panels(7.4, (2.6, 1), narrow=narrow)
        _ratio_panel(left, errors, [r for r in ROWS_OF_16 if r != BASELINE])
        _ratio_panel(right, errors, TILES)
        distribution_rows(left)
        distribution_rows(right)
        right.tick_params(labelleft=narrow)
        log_ticks(right)
        left.set_title("blocks of 1x16")
        right.set_title("tiles of 16x16 (log axis)")
        left.set_xlabel(_RATIO if narrow else _RATIO.replace("\n", " "))
        right.set_xlabel("the same; bars: 95 %")
        legend_below(fig, (left, right), columns=3 if narrow else 5)
        return fig


_RATIO = "mean squared error relative to plain NVFP4\nwith 1x16 blocks; bars: 95 %, over seeds"


def two_panels(
    height: float, widths: tuple[float, float], *, narrow: bool
) -> tuple[Figure, tuple[Axes, Axes]]:
    """Return a figure with two panels of the same rows, beside one another or, if narrow, one below."""
    size = (NARROW, 1.9 * height) if narrow else (WIDTH, height)
    fig = Figure(figsize=size, layout="constrained")
    made = fig.subplots(2, 1, sharey=True) if narrow else fig.subplots(1, 2, sharey=True, width_ratios=widths)
    return fig, (made[0], made[1])


#: Ticks of one octave, the coarsest first.
_OCTAVES = ((1.0,), (1.0, 1.5), (1.0, 1.25, 1.5, 1.75), (1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9))
_FEWEST_TICKS = 4


def log_ticks(ax: Axes) -> None:
    """Make the x axis logarithmic, with at least four ticks at round numbers; call it when all is drawn."""
    ax.set_xscale("log", base=2)
    low, high = ax.get_xlim()
    octaves = 2.0 ** np.arange(np.floor(np.log2(low)), np.ceil(np.log2(high)) + 1)
    for steps in _OCTAVES:
        ticks = [float(v) for o in octaves for v in o * np.array(steps) if low <= v <= high]
        if len(ticks) >= _FEWEST_TICKS:
            break
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.set_xlim(low, high)
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))


def reference_line(ax: Axes) -> None:
    """Draw plain NVFP4, the ratio 1."""
    ax.axvline(1, color=LOOK[BASELINE][0], linewidth=1, zorder=1, label=BY_PRESET[BASELINE].label)


def _ratio_panel(ax: Axes, errors: pd.DataFrame, recipes: Sequence[str]) -> None:
    reference_line(ax)
    for recipe, shift in zip(recipes, spread(len(recipes)), strict=True):
        table = _by_distribution(errors, recipe)
        dots(ax, table["mse_ratio"], np.arange(len(table)) + shift, recipe, ci=table["mse_ratio_ci"])


def share_choosing_4(errors: pd.DataFrame, *, narrow: bool = False) -> Figure:
    """Draw the share of blocks that chose map-to-4, with its 95 % interval over seeds."""
    with style():
        fig = Figure(figsize=(NARROW, 6.6) if narrow else (WIDTH, 6.2), layout="constrained")
        ax = fig.subplots()
        for recipe, shift in zip(CHOOSERS, spread(len(CHOOSERS)), strict=True):
            table = _by_distribution(errors, recipe)
            dots(ax, table["share4_pct"], np.arange(len(table)) + shift, recipe, ci=table["share4_pct_ci"])
        distribution_rows(ax)
        ax.set_xlim(-2, 102)
        ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g} %"))
        between = "\n" if narrow else "; "
        ax.set_xlabel(between.join(("blocks (16x16: tiles) that chose map-to-4", "bars: 95 %, over seeds")))
        legend_below(fig, (ax,), columns=3 if narrow else 6)
        return fig


def _by_distribution(errors: pd.DataFrame, recipe: str) -> pd.DataFrame:
    """Return one recipe's rows in the order of the distributions."""
    chosen = errors[errors["recipe"] == recipe].set_index("distribution")
    return chosen.loc[list(DISTRIBUTION_LABELS)]


def legend_below(fig: Figure, axes: Sequence[Axes], columns: int) -> None:
    """Put one legend for all panels below the figure."""
    found: dict[str, Artist] = {}
    for ax in axes:
        handles, labels = ax.get_legend_handles_labels()
        marks = [h[0] if isinstance(h, ErrorbarContainer) else h for h in handles]
        found |= dict(zip(labels, marks, strict=True))
    fig.legend(
        list(found.values()), list(found), loc="outside lower center", ncols=columns, handletextpad=0.5
    )


def error_by_position(profile: pd.DataFrame, *, narrow: bool = False) -> Figure:
    """Draw where 4/6 gains and loses: by the value's place between 0 and the block amax."""
    inside = profile.iloc[:-1]
    place = (inside["from"] + inside["to"]).to_numpy() / 2
    width = (inside["to"] - inside["from"]).to_numpy()
    with style():
        fig = Figure(figsize=(NARROW if narrow else WIDTH, 6.4), layout="constrained")
        grid, top, bottom = fig.subplots(3, 1, sharex=True, height_ratios=(0.34, 1, 1))
        _representable(grid)
        _curves(top, place, {c: inside[f"mse_{c}"].to_numpy() for c in CURVES})
        top.set_ylabel("mean of (error / block amax)\u00b2\n\u00d7 10\u207b\u00b3")
        density = {c: inside[f"part_{c}"].to_numpy() / width for c in CURVES}
        _gain_and_loss(bottom, place, density["map6"], density["chosen"])
        _curves(bottom, place, density)
        bottom.set_ylabel("part of MSE / power\nper unit of position, \u00d7 10\u207b\u00b3")
        bottom.set_xlabel("position of the value in its block: |x| / block amax")
        bottom.set_xlim(0, 1)
        legend_below(fig, (top, bottom), columns=3 if narrow else 5)
        return fig


_LOOKS = {
    "map6": ("map-to-6", LOOK[BASELINE][0], 1.4, "-"),
    "map4": ("map-to-4", LOOK["fouroversix-static4"][0], 1.4, "--"),
    "chosen": ("the one 4/6 keeps", LOOK[METHOD][0], 2.2, "-"),
}


def _representable(ax: Axes) -> None:
    """Mark the values that each candidate can represent when the block scale is exact."""
    for row, (name, largest) in enumerate((("map6", 6), ("map4", 4))):
        values = E2M1_VALUES[:8][E2M1_VALUES[:8] <= largest]
        colour = _LOOKS[name][1]
        ax.plot(values / largest, np.full(len(values), row), "o", color=colour, markersize=4.5, clip_on=False)
        for v in values[1:]:
            ax.annotate(f"{v:g}", (v / largest, row), (0, 5), textcoords="offset points", ha="center", size=8)
        ax.axhline(row, color=colour, linewidth=0.6, alpha=0.4)
    ax.set_yticks((0, 1), [_LOOKS[c][0] for c in ("map6", "map4")])
    ax.set_ylim(1.4, -0.9)
    ax.tick_params(axis="x", length=0)
    ax.tick_params(axis="y", pad=8)
    ax.set_title("values that each candidate can represent", size=9)
    ax.spines[["left", "bottom"]].set_visible(False)


def _curves(ax: Axes, place: F64, curves: dict[str, F64]) -> None:
    fine = _between(place)
    for name, values in curves.items():
        label, colour, width, dash = _LOOKS[name]
        smooth = PchipInterpolator(place, values)(fine)
        ax.plot(fine, smooth, color=colour, linewidth=width, linestyle=dash, label=label)
    ax.set_ylim(0)
    ax.grid(axis="y", color="#e3e3e3", linewidth=0.7)


def _between(place: F64) -> F64:
    """Return eight places for each bin: a monotone cubic through the bins has no corners and no new peak."""
    return np.linspace(place[0], place[-1], 8 * len(place))


def _gain_and_loss(ax: Axes, place: F64, six: F64, chosen: F64) -> None:
    """Shade the area between map-to-6 and 4/6 by who is better."""
    fine = _between(place)
    six, chosen = (PchipInterpolator(place, v)(fine) for v in (six, chosen))
    shades = ((chosen <= six, "#0072b2", 0.18, "4/6 gains"), (chosen >= six, "#d55e00", 0.3, "4/6 loses"))
    for where, colour, alpha, label in shades:
        ax.fill_between(
            fine, six, chosen, where=where, interpolate=True, color=colour, alpha=alpha, lw=0, label=label
        )
