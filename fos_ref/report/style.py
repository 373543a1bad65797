"""How the figures look: one colour and one marker for each recipe, everywhere."""

from __future__ import annotations

import io
import warnings
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from fos_ref.report.lineup import BY_PRESET, DISTRIBUTION_LABELS

DPI = 150
WIDTH = 8.6  #: inches
INK = "#333333"
FAINT = "#8a8a8a"
BAND = "#f4f5f7"
_COLOURS = 256

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


def png(figure: Figure) -> bytes:
    """Return the figure as PNG bytes, in 256 colours, without date or version inside."""
    drawn, out = io.BytesIO(), io.BytesIO()
    with warnings.catch_warnings():  # a name in a script that the font lacks is drawn as boxes
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        warnings.filterwarnings("ignore", message=r"Matplotlib currently does not support .* natively")
        figure.savefig(drawn, format="png", dpi=DPI)
    palette = (
        Image.open(drawn)
        .convert("RGB")
        .quantize(_COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    )
    palette.save(out, format="PNG", optimize=True)
    return out.getvalue()


def dots(ax: Axes, x: Any, y: Any, recipe: str, *, ci: Any = None, size: float = 6) -> None:
    """Draw one recipe's points, with the 95 % interval as a bar where it is wider than the marker."""
    colour, marker, filled = LOOK[recipe]
    ax.errorbar(
        x,
        y,
        xerr=ci,
        fmt=marker,
        color=colour,
        markersize=size if filled else size * 1.05,
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
