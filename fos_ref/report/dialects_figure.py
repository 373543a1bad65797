"""The disagreement matrix as a picture: a row for each dialect, in each cell the share that differs."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from fos_ref.formats.arrays import F64
from fos_ref.recipes import PRESETS
from fos_ref.report.dialects import Matrix
from fos_ref.report.lineup import DISTRIBUTION_LABELS
from fos_ref.report.style import FAINT, INK, png, style

_CELL = 0.25  #: inches
_LABELS = 2.35
_MARGIN = 1.5
_ALL = 0.945  #: shares above it, the darkest cells, get no figure
_DARK = 0.005  #: shares above it get light figures
_SAME = "#ececec"
_COLOURS = LinearSegmentedColormap.from_list("share", ("#e9f2f8", "#7db5d8", "#0072b2", "#0b3c5d"))


def disagreement(m: Matrix) -> bytes:
    """Draw the matrix of one distribution; presets with equal bits share a row."""
    groups = m.dialects()
    first = [places[0] for places in groups]
    share = m.counts[np.ix_(first, first)] / m.blocks
    side = max(_CELL * len(groups), 3.0)
    with style():
        fig = Figure(figsize=(side + _LABELS + _MARGIN, side + 1.15), layout="constrained")
        ax = fig.subplots()
        shown = np.ma.masked_equal(share, 0)
        picture = ax.imshow(shown, cmap=_COLOURS, norm=LogNorm(1 / m.blocks, 1), aspect="equal")
        ax.set_facecolor(_SAME)
        _cells(ax, share)
        _axes(ax, m, groups)
        bar = fig.colorbar(picture, ax=ax, shrink=0.6, aspect=30, pad=0.015)
        bar.set_label("share of blocks that differ", size=8)
        bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:g} %"))
        bar.ax.tick_params(labelsize=7.5)
        bar.outline.set_visible(False)
        return png(fig)


def _cells(ax: Axes, share: F64) -> None:
    """Write the share into each cell, in per cent, unless about all blocks differ."""
    for i, j in np.argwhere((share > 0) & (share < _ALL)):
        colour = "white" if share[i, j] > _DARK else INK
        text = ax.text(j, i, percent(share[i, j]), ha="center", va="center", size=4.6, color=colour)
        text.set_in_layout(False)  # inside its cell: measuring it would only take time


def percent(share: float) -> str:
    """Return a share as per cent in at most four characters, without a leading zero: 31, 4.1, .31, .002."""
    value = 100 * share
    for digits, limit in ((0, 9.95), (1, 0.995), (2, 0.0995)):
        if value >= limit:
            return f"{value:.{digits}f}".removeprefix("0")
    return f"{value:.3f}".removeprefix("0")


def _axes(ax: Axes, m: Matrix, groups: list[list[int]]) -> None:
    names = [label([m.presets[i] for i in places]) + _star(m, places) for places in groups]
    numbers = range(1, len(groups) + 1)
    ax.set_yticks(range(len(groups)), [f"{name}  {n}" for n, name in zip(numbers, names, strict=True)])
    ax.set_xticks(range(len(groups)), [str(n) for n in numbers])
    ax.tick_params(labelsize=6.6, length=0)
    ax.tick_params(axis="x", labeltop=True, labelbottom=False, pad=1)
    ax.spines[:].set_visible(False)
    keys = [_family(m.presets[places[0]]) for places in groups]
    for i in range(1, len(keys)):
        if keys[i] != keys[i - 1]:
            ax.axhline(i - 0.5, color=FAINT, linewidth=0.6)
            ax.axvline(i - 0.5, color=FAINT, linewidth=0.6)
    name = DISTRIBUTION_LABELS.get(m.distribution, m.distribution)
    ax.set_title(f"{name}: blocks that differ, in %", loc="left", pad=14)
    ax.set_xlabel("\n".join(_caption(m)), size=7.5, loc="left")


def _star(m: Matrix, places: list[int]) -> str:
    return " *" if any(m.presets[i] in m.undecided for i in places) else ""


def _caption(m: Matrix) -> list[str]:
    """Return the lines under the picture."""
    colours = "dark, without a figure: 95 % and more; grey: none, the same dialect"
    if not m.undecided:
        return [colours]
    most = max(m.decided_by_chip(name) or 0.0 for name in m.undecided)
    decides = f"* approximate reciprocals: a chip decides up to {100 * most:.1f} %"
    return [colours, decides, "of the blocks; the figures are those of exact reciprocals"]


def _family(preset: str) -> tuple[object, ...]:
    """Return what the lines in the picture part: the bound and the metric."""
    r = PRESETS[preset]
    return r.scale_max, r.error_metric


def label(presets: list[str]) -> str:
    """Return a row's name: its first preset and how many more share its bits."""
    return presets[0] if len(presets) == 1 else f"{presets[0]} +{len(presets) - 1}"
