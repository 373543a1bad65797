"""The map of the dialects: a tree in which the nearest are joined first, and the axes that part them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from fos_ref.report.dialects import Matrix
from fos_ref.report.lineup import DISTRIBUTION_LABELS
from fos_ref.report.neighbours import Tree, tree
from fos_ref.report.style import NARROW, rows, style, WIDTH

_ROW = 0.27  #: inches of one dialect
_MARGIN = 1.3
_LONGEST = 34  #: characters of the axes at a join
_LINE = "#0072b2"


def disagreement(m: Matrix, *, narrow: bool = False) -> Figure:
    """Draw the tree of the dialects of one distribution; presets with equal bits share a row."""
    names = [label([m.presets[i] for i in places]) + _star(m, places) for places in m.dialects()]
    return drawn(
        tree(m.presets, m.dialects(), m.counts / m.blocks),
        names,
        DISTRIBUTION_LABELS.get(m.distribution, m.distribution),
        _caption(m),
        narrow=narrow,
    )


def drawn(found: Tree, names: Sequence[str], title: str, caption: Sequence[str], *, narrow: bool) -> Figure:
    """Draw a tree of dialects; `names` by their numbers. The axis is logarithmic: shares span decades."""
    order = {leaf: place for place, leaf in enumerate(found.leaves)}
    with style():
        height = _MARGIN + _ROW * max(len(order), 3)
        fig = Figure(figsize=(NARROW if narrow else WIDTH, height), layout="constrained")
        ax = fig.subplots()
        rows(ax, [f"{names[leaf]}  {leaf + 1}" for leaf in found.leaves])
        shares = [j.share for j in found.joins()] or [1.0]
        least = min(shares) / 2
        _branch(ax, found, order, least, named=not narrow)
        ax.set_xscale("log")
        ax.set_xlim(least, 1.6 if narrow else 6)
        ax.xaxis.set_major_locator(FixedLocator([10.0**n for n in range(-7, 1) if 10.0**n >= least]))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:g} %"))
        ax.tick_params(axis="y", labelsize=5.5 if narrow else 7.5)
        ax.tick_params(axis="x", labelsize=7.5)
        ax.set_title(f"{title}: where dialects part")
        ax.set_xlabel("\n".join(("blocks that differ, nearest two (log axis)", *caption)), size=8)
        return fig


def _branch(ax: Axes, t: Tree, order: dict[int, int], least: float, *, named: bool) -> tuple[float, float]:
    """Draw a tree; return where its line goes on: the share at which it was joined, and its height."""
    if not t.halves:
        return least, float(order[t.leaves[0]])
    ends = [_branch(ax, half, order, least, named=named) for half in t.halves]
    heights = [y for _, y in ends]
    for x, y in ends:
        ax.plot([x, t.share], [y, y], "-", color=_LINE, linewidth=1.1)
    ax.plot([t.share, t.share], heights, "-", color=_LINE, linewidth=1.1)
    middle = float(np.mean(heights))
    if named and t.axes:
        place = (t.share, middle)
        text = ax.annotate(axes_in_words(t.axes), place, (3, 1.5), textcoords="offset points", size=5.5)
        text.set_in_layout(False)
    return t.share, middle


def axes_in_words(axes: Sequence[str], longest: int = _LONGEST) -> str:
    """Return the names of axes up to a length, and how many more there are."""
    kept = [axes[0]] if axes else []
    for a in axes[1:]:
        if len(", ".join([*kept, a])) > longest:
            break
        kept.append(a)
    rest = len(axes) - len(kept)
    return ", ".join(kept) + (f" +{rest}" if rest else "")


def percent(share: float) -> str:
    """Return a share as per cent in at most four characters, without a leading zero: 31, 4.1, .31, .002."""
    value = 100 * share
    for digits, limit in ((0, 9.95), (1, 0.995), (2, 0.0995)):
        if value >= limit:
            return f"{value:.{digits}f}".removeprefix("0")
    return f"{value:.3f}".removeprefix("0")


def _star(m: Matrix, places: list[int]) -> str:
    return " *" if any(m.presets[i] in m.undecided for i in places) else ""


def _caption(m: Matrix) -> list[str]:
    """Return the lines under the picture."""
    if not m.undecided:
        return []
    most = max(m.decided_by_chip(name) or 0.0 for name in m.undecided)
    decides = f"* approximate reciprocals: a chip decides up to {100 * most:.1f} %"
    return [decides, "of the blocks; the figures are those of exact reciprocals"]


def label(presets: list[str]) -> str:
    """Return a row's name: its first preset and how many more share its bits."""
    return presets[0] if len(presets) == 1 else f"{presets[0]} +{len(presets) - 1}"


def groups(numbers: Sequence[int]) -> list[list[int]]:
    """Return the places of each dialect from the number of each preset, in the order of the numbers."""
    found: dict[int, list[int]] = {}
    for place, number in enumerate(numbers):
        found.setdefault(int(number), []).append(place)
    return [found[n] for n in sorted(found)]
