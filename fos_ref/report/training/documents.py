"""The files and the JSON document of the page on training."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fos_ref.report.saving import png
from fos_ref.report.tables import csv, records
from fos_ref.report.training import figures, text
from fos_ref.report.training.measured import Training

_TABLES = ("rounders", "published", "curves", "plateaus", "shared-noise", "layer")
NAMES = (
    "training.md",
    *(f"training-{t}.csv" for t in _TABLES),
    *(text.ROUNDERS_FIGURE, text.CURVES_FIGURE, text.SHARED_FIGURE, text.LAYER_FIGURE),
)  #: of `training_files`, known before anything is measured


def training_files(t: Training) -> dict[str, bytes]:
    """Return the files by name."""
    return {
        "training.md": text.training_markdown(t),
        **{f"{stem}.csv": csv(table) for stem, table in t.tables.items()},
        text.ROUNDERS_FIGURE: png(figures.rounders(t.costs)),
        text.CURVES_FIGURE: png(figures.curves(t.curves, t.plateaus)),
        text.SHARED_FIGURE: png(figures.shared(t.shared)),
        text.LAYER_FIGURE: png(figures.layer(t.layer)),
    }


def training_document(t: Training, files: list[str]) -> dict[str, Any]:
    """Return the page as JSON values: the figures of the CSV files, null for what is not known."""
    tables = {
        stem.removeprefix("training-").replace("-", "_"): records(table) for stem, table in t.tables.items()
    }
    return {"plan": asdict(t.plan), **tables, "layer_of": t.layer_says, "files": files}
