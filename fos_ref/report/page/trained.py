"""The sections on training, products, leaks, models and pretraining, from the tables of a report folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fos_ref.pretrain.arms import BASELINE
from fos_ref.report.interval import half_width
from fos_ref.report.page.embed import drawing
from fos_ref.report.page.folder import Tables
from fos_ref.report.page.parts import cells, Drawing, Section, Table
from fos_ref.report.products import figures as of_products
from fos_ref.report.style import FAINT, NARROW, rows, style, WIDTH
from fos_ref.report.training import figures as of_training

_DOTS = "#0072b2"


def sections(t: Tables) -> list[Section]:
    """Return the sections for the tables that are there."""
    made = (_training(t), _products(t), _leaks(t), _models(t), _pretraining(t))
    return [s for s in made if s is not None]


def _wide(draw: Callable[[], Figure], title: str, caption: str, table: Table) -> Drawing:
    return drawing(lambda _: draw(), title, caption, table, both=False)


def _training(t: Tables) -> Section | None:
    r, c, p = (t.get(f"training-{n}") for n in ("rounders", "curves", "plateaus"))
    layer, shared = t.get("training-layer"), t.get("training-shared-noise")
    made = []
    if r is not None:
        table = cells(r, "error and shrink of each rounder")
        caption = "Shrink above 0: the mean of many draws is shorter than the value."
        made.append(_wide(lambda: of_training.rounders(r), "Error and shrink of rounders", caption, table))
    if c is not None and p is not None:
        caption = "Unbiased rounders fall with slope -1; the others flatten at what they are biased by."
        table = cells(c, "error of the mean of draws")
        made.append(_wide(lambda: of_training.curves(c, p), "Error of the mean of draws", caption, table))
    if layer is not None:
        table = cells(layer, "the three products of one layer")
        caption = "Dark: what averaging over endless draws keeps."
        made.append(_wide(lambda: of_training.layer(layer), "One linear layer", caption, table))
    if shared is not None:
        table = cells(shared, "variance of sums")
        caption = "Values that share a random number add their errors, not their variances."
        made.append(_wide(lambda: of_training.shared(shared), "What shared noise costs", caption, table))
    says = ("Stochastic rounding, its rivals, and what they make of a layer's three products.",)
    return Section("training", "Training", says, tuple(made)) if made else None


def _products(t: Tables) -> Section | None:
    certified, distances, programs = (t.get(f"products-{n}") for n in ("certified", "distances", "programs"))
    made = []
    if certified is not None:
        table = cells(certified, "outputs that are certified or exact, %")
        caption = "A certified output is the same in every order of summation."
        draw = lambda: of_products.certified(certified)  # noqa: E731
        made.append(_wide(draw, "Outputs that every order of summation gives", caption, table))
    if distances is not None:
        table = cells(distances, "distance from the exact sum")
        caption = "In units of 2^-24 times the sum of magnitudes."
        draw = lambda: of_products.distances(distances)  # noqa: E731
        made.append(_wide(draw, "How far accumulators are from the exact sum", caption, table))
    if programs is not None:
        table = cells(programs, "outputs of every two programs that differ, %")
        caption = "Normal data; an empty cell: not one output differs."
        draw = lambda: of_products.programs(programs)  # noqa: E731
        made.append(replace(_wide(draw, "Programs beside one another", caption, table), paper=True))
    says = ("What programs make of the same codes and scales.",)
    return Section("products", "Products", says, tuple(made)) if made else None


def _leaks(t: Tables) -> Section | None:
    if "products-leaks" not in t:
        return None
    says = (
        (
            "Preparations of attention under which an output depends on a token that comes later, through a "
            "block scale, a choice of 4 or 6, a tensor amax or a mean."
        ),
    )
    return Section("leaks", "Leaks", says, tables=(cells(t["products-leaks"], "leaks by scheme"),))


def _models(t: Tables) -> Section | None:
    if "models-matrix" not in t:
        return None
    table = t["models-matrix"]
    found = []
    for cell, one in table.groupby("cell", sort=False):
        values = [float(v) for v in one["nll_minus_float32"]]
        half = half_width(values) if len(values) > 1 else np.nan
        found.append({"cell": str(cell), "draws": len(values), "mean": float(np.mean(values)), "half": half})
    summary = pd.DataFrame(found)
    names = {"mean": "loss above float32, nats a token", "half": "half of the 95 % interval"}
    return Section(
        "models",
        "A language model",
        ("Loss above that of the float32 model; the interval is over draws of the weights' rounding.",),
        (
            drawing(
                lambda narrow: _dots(summary, "loss above float32, nats a token", narrow=narrow),
                "Loss of a language model under each recipe",
                "A bar is the 95 % interval over draws.",
                cells(summary, "loss by recipe and operand", names),
            ),
        ),
    )


def _pretraining(t: Tables) -> Section | None:
    if "pretraining-gaps" not in t:
        return None
    every = t["pretraining-gaps"]
    g = every[every["against"] == BASELINE]
    summary = pd.DataFrame(
        {
            "cell": [f"{m}, {a}" for m, a in zip(g["model"], g["arm"], strict=True)],
            "mean": g["gap"],
            "half": g["half_width"],
        }
    )
    columns = ["model", "arm", "against", "seeds", "gap", "half_width"]
    names = {"half_width": "half of the 95 % interval"}
    return Section(
        "pretraining",
        "Pretraining",
        ("Small models that were trained under each stack: held-out loss above bfloat16, paired by seed.",),
        (
            drawing(
                lambda narrow: _dots(summary, "held-out loss above bfloat16, nats", narrow=narrow),
                "Held-out loss above bfloat16",
                "A bar is the 95 % interval over seeds.",
                cells(g[columns], "gaps to bfloat16", names),
            ),
        ),
        (cells(every[columns], "gaps to every arm that was paired", names),),
    )


def _dots(table: pd.DataFrame, what: str, *, narrow: bool) -> Figure:
    """Draw means with their intervals, a row each."""
    labels: Sequence[str] = [str(c) for c in table["cell"]]
    with style():
        fig = Figure(figsize=(NARROW if narrow else WIDTH, 1 + 0.27 * len(table)), layout="constrained")
        ax = fig.subplots()
        ax.axvline(0, color=FAINT, linewidth=0.8)
        ends = np.nan_to_num(table["half"].to_numpy(dtype=float))
        ax.errorbar(table["mean"], range(len(table)), xerr=ends, fmt="o", color=_DOTS, markersize=4)
        rows(ax, list(labels))
        ax.tick_params(axis="y", labelsize=5.5 if narrow else 8)
        ax.set_xlabel(what)
        return fig
