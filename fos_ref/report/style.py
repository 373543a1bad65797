"""How the figures look: one colour and one marker for each recipe, everywhere."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes

from fos_ref.report.lineup import BY_PRESET, DISTRIBUTION_LABELS

WIDTH = 8.6  #: inches
NARROW = 4.3  #: inches of a figure for a telephone: its panels stand below one another
INK = "#333333"
FAINT = "#8a8a8a"
BAND = "#f4f5f7"

#: (colour, marker, filled). Colours stay apart for colour-blind readers (Okabe and Ito); the marker says the
#: same once more. A hollow marker is the same rule under the bound 448, or plain NVFP4.
LOOK = {
    "nvfp4": ("#4d4d4d", "o", False),
    "fouroversix-static4": ("#a6761d", "X", True),
    "4over6": ("#0072b2", "o", True),
    "4over6-mae": ("#e69f00", "s", True),
    "4over6-absmax": ("#009e73", "^", True),
    "te-mse-448": ("#0072b2", "D", False),
    "te-mae-448": ("#e69f00", "D", False),
    "te-nvfp4-16x16": ("#4d4d4d", "o", False),
    "4over6-16x16": ("#cc4c7e", "o", True),
}

_STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.facecolor": "white",
    "text.parse_math": False,
}


def style() -> Any:
    """Return the context in which every figure is drawn and saved."""
    return mpl.rc_context(_STYLE)


def dots(ax: Axes, x: Any, y: Any, recipe: str, *, ci: Any = None, size: float = 5) -> None:
    """Draw one recipe's points, with the 95 % interval as a bar where it is wider than the marker."""
    colour, marker, filled = LOOK[recipe]
    ax.errorbar(
        x,
        y,
        xerr=ci,
        fmt=marker,
        color=colour,
        markersize=size,
        markerfacecolor=colour if filled else "white",
        markeredgecolor="white" if filled else colour,
        markeredgewidth=0.5 if filled else 1.2,
        elinewidth=1.2,
        label=BY_PRESET[recipe].label,
        zorder=4 if filled else 3,
    )


def rows(ax: Axes, labels: list[str]) -> None:
    """Label the rows of a dot plot from top to bottom and shade every second one."""
    for i in range(0, len(labels), 2):
        ax.axhspan(i - 0.5, i + 0.5, color=BAND, zorder=0, linewidth=0)
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.spines["left"].set_visible(False)


def distribution_rows(ax: Axes) -> None:
    """Label the rows with the distributions."""
    rows(ax, list(DISTRIBUTION_LABELS.values()))


def spread(n: int, height: float = 0.84) -> list[float]:
    """Return n offsets that set the points of one row apart."""
    return [height * (i - (n - 1) / 2) / max(n, 2) for i in range(n)]
