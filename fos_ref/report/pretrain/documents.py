"""The files of pretraining by name."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from fos_ref.pretrain.arms import ARMS
from fos_ref.pretrain.results import DOCUMENT, FIGURE, GRADIENTS, PAGE, Results, TABLES
from fos_ref.report.pretrain import figures, tables, text
from fos_ref.report.saving import png
from fos_ref.report.tables import csv
from fos_ref.report.training.captured import read_layer
from fos_ref.report.training.layer import layer_errors, Shown
from fos_ref.report.training.plan import FULL

RUNS, GAPS, REPLAY = TABLES


def files(results: Results, gradients: pd.DataFrame | None = None) -> dict[str, bytes]:
    """Return the files of what was found so far."""
    found = {
        DOCUMENT: results.document(),
        PAGE: text.page(results, gradients).encode(),
        FIGURE: png(figures.losses(results)),
        RUNS: csv(tables.runs(results)),
        GAPS: csv(tables.paired(results)),
        REPLAY: csv(tables.replays(results)),
    }
    return found if gradients is None else found | {GRADIENTS: csv(gradients)}


def gradients(layer: Path) -> pd.DataFrame:
    """Return bias and error of each arm's products on a captured layer, as `fos report --training` does."""
    stacks = {name: arm.stack for name, arm in ARMS.items() if arm.stack is not None}
    each = {n: Shown(n, "each pass" if s.draws_signs else None) for n, s in stacks.items()}
    return layer_errors(read_layer(layer, FULL), FULL, lambda: None, each, stacks)
