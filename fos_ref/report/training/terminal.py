"""The page on training in a terminal: rounders, stated figures, plateaus and the layer."""

from __future__ import annotations

from rich.console import Console

from fos_ref.report.console import apart, of_rows, plain, titled
from fos_ref.report.training.measured import Training
from fos_ref.report.training.text import cost_rows, layer_rows, plateau_rows, published_rows


def show(console: Console, t: Training) -> None:
    """Print the tables that stand for the page."""
    console.print(
        apart(
            titled("what a rounder costs on N(0, 1)", of_rows(cost_rows(t.costs))),
            titled("stated figures beside ours", of_rows(published_rows(t.published))),
            titled("the mean of many draws", of_rows(plateau_rows(t.plateaus))),
            titled("one layer: error and what averaging keeps, %", of_rows(layer_rows(t.layer))),
            plain(t.layer_says),
        ),
        "",
    )
