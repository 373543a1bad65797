"""The figures of the formats and of the best block scales. Each takes a table and returns a figure."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fos_ref.report.family.members import FAMILY
from fos_ref.report.family.optimum import OPTIMA, RULES
from fos_ref.report.figures import legend_below, log_ticks
from fos_ref.report.lineup import DISTRIBUTION_LABELS, METHOD
from fos_ref.report.style import BAND, FAINT, NARROW, rows, spread, style, WIDTH

_OUTSIDE = "worst-case"  #: plain NVFP4 errs 29 times as much as the optimum there
_ROW = 0.3  #: inches of one format
_MARGIN = 1.5
#: (distribution, label, colour, marker, filled)
_SHOWN = (
    ("normal", "N(0, 1)", "#0072b2", "o", True),
    ("laplace", "Laplace", "#e69f00", "s", True),
    ("uniform", "U(-1, 1)", "#009e73", "D", False),
)
#: Rule -> (colour, marker, filled): the colours of Okabe and Ito, as in the other figures.
_LOOK = (
    ("#4d4d4d", "o", False),
    ("#0072b2", "o", True),
    ("#0072b2", "D", False),
    ("#56b4e9", "v", True),
    ("#e69f00", "s", True),
    ("#009e73", "^", True),
)


def sqnr_by_format(errors: pd.DataFrame, *, narrow: bool = False) -> Figure:
    """Draw the SQNR of each format on three distributions; groups apart, 4/6 on N(0, 1) as a line."""
    cells = errors.set_index(["distribution", "recipe"])["sqnr_db"]
    places = _places()
    with style():
        fig = Figure(
            figsize=(NARROW if narrow else WIDTH, _MARGIN + _ROW * (max(places) + 1)), layout="constrained"
        )
        ax = fig.subplots()
        _format_rows(ax, places)
        _lines(ax, cells, places)
        for (distribution, label, *look), shift in zip(_SHOWN, spread(len(_SHOWN), 0.8), strict=True):
            values = [cells[distribution, m.preset] for m in FAMILY]
            _points(
                ax, values, [p + shift for p in places], label, (str(look[0]), str(look[1]), bool(look[2]))
            )
        ax.set_xlabel("signal to quantization noise, dB")
        legend_below(fig, (ax,), columns=2 if narrow else len(_SHOWN) + 1)
        return fig


def _lines(ax: Axes, cells: pd.Series[float], places: list[float]) -> None:
    """Draw 4/6 on N(0, 1) through all rows, and in each row what its format spans."""
    ax.axvline(float(cells["normal", METHOD]), color="#0072b2", lw=0.9, alpha=0.7, label="4/6 on N(0, 1)")
    for m, place in zip(FAMILY, places, strict=True):
        seen = [float(cells[d, m.preset]) for d, *_ in _SHOWN]
        ax.plot([min(seen), max(seen)], [place, place], "-", color=FAINT, linewidth=0.8, zorder=1)


def _places() -> list[float]:
    """Return the row of each format; half a row more where a group begins."""
    found, at, before = [], 0.0, FAMILY[0].group
    for m in FAMILY:
        at += 0.0 if m.group == before else 0.6
        found.append(at)
        at, before = at + 1, m.group
    return found


def _format_rows(ax: Axes, places: list[float]) -> None:
    for place in places[::2]:
        ax.axhspan(place - 0.5, place + 0.5, color=BAND, zorder=0, linewidth=0)
    ax.set_yticks(places, [f"{m.label}  {m.bits:g}" for m in FAMILY])
    ax.set_ylim(places[-1] + 0.6, -0.6)
    ax.spines["left"].set_visible(False)
    ax.set_title("format, and the bits that one value takes", size=9)


def _points(ax: Axes, x: list[float], y: list[float], label: str, look: tuple[str, str, bool]) -> None:
    colour, marker, filled = look
    ax.plot(
        x,
        y,
        marker,
        color=colour,
        markersize=5,
        markerfacecolor=colour if filled else "white",
        markeredgecolor="white" if filled else colour,
        markeredgewidth=0.5 if filled else 1.2,
        label=label,
        zorder=3,
    )


def distance_from_optimum(errors: pd.DataFrame, *, narrow: bool = False) -> Figure:
    """Draw the MSE of each rule relative to the better optimum, by distribution but for the last."""
    mse = errors.pivot_table(index="distribution", columns="recipe", values="mse_e3", sort=False)
    ratio = mse.div(mse[list(OPTIMA)].min(axis=1), axis=0).drop(_OUTSIDE)
    rules = [r for r in RULES if r.key not in OPTIMA]
    with style():
        fig = Figure(figsize=(NARROW if narrow else WIDTH, 7.0), layout="constrained")
        ax = fig.subplots()
        ax.axvline(1, color=FAINT, linewidth=1, zorder=1, label="the better optimum")
        for rule, look, shift in zip(rules, _LOOK[: len(rules)], spread(len(rules)), strict=True):
            places = [i + shift for i in range(len(ratio))]
            _points(ax, list(ratio[rule.key]), places, rule.label, look)
        rows(ax, [DISTRIBUTION_LABELS[d] for d in ratio.index])
        log_ticks(ax)
        ends = "(log axis; worst-case blocks are left out)"
        between = "\n" if narrow else " "
        ax.set_xlabel(f"MSE relative to the best of all 126 block scales{between}{ends}")
        legend_below(fig, (ax,), columns=2 if narrow else 4)
        return fig
