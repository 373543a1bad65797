"""The figure of pretraining: losses by tokens, and paired gaps with their intervals."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fos_ref.pretrain.arms import ARMS, BASELINE
from fos_ref.pretrain.results import gaps, Results
from fos_ref.report.figures import legend_below
from fos_ref.report.interval import half_width
from fos_ref.report.style import FAINT, rows, style, WIDTH

_COLOURS = ("#4d4d4d", "#0072b2", "#e69f00", "#f0c75e", "#009e73", "#cc4c7e", "#a6761d", "#56b4e9")
COLOURS = dict(zip(ARMS, _COLOURS, strict=True))
_HEIGHT = 3.1  #: inches of one model
_MILLION = 1e6


def losses(results: Results) -> Figure:
    """Draw, for each model, mean training losses by tokens, and the held-out gaps to bfloat16."""
    models = [m for m in results.config.models if any(r["model"] == m for r in results.runs)]
    with style():
        fig = Figure(figsize=(WIDTH, _HEIGHT * len(models) + 0.5), layout="constrained")
        axes = fig.subplots(len(models), 2, squeeze=False)
        for (left, right), model in zip(axes, models, strict=True):
            _curves(left, results, model)
            _gaps(right, results, model)
        legend_below(fig, (axes[0][0],), columns=4)
        return fig


def _curves(ax: Axes, results: Results, model: str) -> None:
    """Draw the mean curve of each arm over its seeds, and the floor."""
    by_arm: dict[str, list[list[float]]] = defaultdict(list)
    for r in results.runs:
        if r["model"] == model:
            by_arm[r["arm"]].append(r["curve"])
    for arm, curves in by_arm.items():
        mean = np.mean(curves, axis=0)
        tokens = np.linspace(0, results.config.steps * results.config.tokens / _MILLION, len(mean))
        ax.plot(tokens, mean, color=COLOURS[arm], linewidth=1, label=arm)
    floor = next((r["floor"] for r in results.runs if r["floor"] is not None), None)
    if floor is not None:
        ax.axhline(floor, color=FAINT, linewidth=0.8, linestyle=":")
    ax.set_title(f"{model}: training loss")
    ax.set_xlabel("million tokens")
    ax.set_ylabel("nats a token")


def _gaps(ax: Axes, results: Results, model: str) -> None:
    """Draw each arm's gap to bfloat16: every seed as a point, the interval as a bar."""
    found = [g for g in gaps(results.runs, BASELINE) if g.model == model]
    for place, g in enumerate(found):
        colour = COLOURS[g.arm]
        ax.plot(g.differences, [place] * len(g.differences), "o", color=colour, markersize=3, alpha=0.5)
        if len(g.differences) > 1:
            ax.errorbar(g.mean, place, xerr=half_width(g.differences), fmt="D", color=colour, markersize=5)
    ax.axvline(0, color=FAINT, linewidth=0.8)
    if found:
        rows(ax, [g.arm for g in found])
    ax.set_title("held-out loss above bfloat16")
    ax.set_xlabel("nats a token; bar: 95 %, t")
