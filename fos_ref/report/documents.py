"""The files and the JSON document that hold the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from fos_ref.report import dialects, render
from fos_ref.report.dialects_figure import disagreement
from fos_ref.report.family.figures import distance_from_optimum, sqnr_by_format
from fos_ref.report.family.members import FAMILY
from fos_ref.report.family.optimum import RULES
from fos_ref.report.family.text import FAMILY_FIGURE, OPTIMUM_FIGURE
from fos_ref.report.figures import error_by_distribution, error_by_position, share_choosing_4
from fos_ref.report.lineup import LINEUP
from fos_ref.report.measured import Report
from fos_ref.report.saving import KINDS
from fos_ref.report.tables import csv, records
from fos_ref.report.weights import Weights
from fos_ref.report.weights_figure import error_by_tensor
from fos_ref.report.weights_text import weights_markdown
from fos_ref.report.worked import Worked

_PNG = ".png"


def _names() -> tuple[str, ...]:
    stems = [(k, dialects.stem_of(k, d)) for k in dialects.KINDS for d in dialects.DATA]
    return (
        *("report.md", "errors.csv", "family.csv", "optimum.csv", "position.csv", "published.csv"),
        *("wrong-choices.csv", "worked.csv"),
        *(render.ERROR_FIGURE, render.SHARE_FIGURE, render.POSITION_FIGURE, FAMILY_FIGURE, OPTIMUM_FIGURE),
        *(f"{stem}.csv" for _, stem in stems),
        *(f"{stem}.png" for k, stem in stems if k.drawn),
    )


REPORT_NAMES = _names()  #: of `report_files`, known before anything is measured


def weights_names(name: str) -> tuple[str, str, str]:
    """Return the names of `weights_files` for the file called `name`."""
    stem = f"weights-{Path(name).stem}"
    return f"{stem}.md", f"{stem}.csv", f"{stem}.png"


def names(weights: Path | None, kind: str = "png") -> list[str]:
    """Return the names of everything that the report writes, figures in `kind` besides PNG included."""
    every = [*REPORT_NAMES, *(weights_names(weights.name) if weights else ())]
    pictures = [n for n in every if n.endswith(_PNG)]
    return every + ([n.removesuffix(_PNG) + f".{kind}" for n in pictures] if kind != "png" else [])


def _saved(figures: Mapping[str, Figure], kind: str) -> dict[str, bytes]:
    """Return figures, by the names of their PNG files, as PNG and in `kind` besides."""
    found = {name: KINDS["png"](f) for name, f in figures.items()}
    if kind != "png":
        found |= {name.removesuffix(_PNG) + f".{kind}": KINDS[kind](f) for name, f in figures.items()}
    return found


def report_files(r: Report, kind: str = "png") -> dict[str, bytes]:
    """Return the files of the report by name, its figures in `kind` besides PNG."""
    tables = {f"{m.stem}.csv": csv(m.shares()) for m in r.matrices}
    figures = {
        render.ERROR_FIGURE: error_by_distribution(r.errors),
        render.SHARE_FIGURE: share_choosing_4(r.errors),
        render.POSITION_FIGURE: error_by_position(r.profile),
        FAMILY_FIGURE: sqnr_by_format(r.family),
        OPTIMUM_FIGURE: distance_from_optimum(r.optimum),
        **{f"{m.stem}.png": disagreement(m) for m in r.matrices if m.kind.drawn},
    }
    return {
        "report.md": render.report_markdown(r),
        "errors.csv": csv(r.errors),
        "family.csv": csv(r.family),
        "optimum.csv": csv(r.optimum),
        "position.csv": csv(r.profile),
        "published.csv": csv(r.published),
        "wrong-choices.csv": csv(r.wrong),
        "worked.csv": worked_steps(r.worked).to_csv(index=False, lineterminator="\n").encode(),
        **tables,
        **_saved(figures, kind),
    }


def weights_files(w: Weights, kind: str = "png") -> dict[str, bytes]:
    """Return the files for one weights file by name: weights-<stem>.md, .csv and .png."""
    page, figures, picture = weights_names(w.name)
    totals = w.totals.rename(columns={"total": "tensor"}).drop(columns=["tensors", "values"])
    return {
        page: weights_markdown(w, picture),
        figures: csv(w.tensors.astype({"rows": "Int64", "cols": "Int64"}), totals),
        **_saved({picture: error_by_tensor(w)}, kind),
    }


def worked_steps(w: Worked) -> pd.DataFrame:
    """Return a row for each candidate and value; floats are exact."""
    return pd.DataFrame(
        {
            "candidate": m.name,
            "raw_scale": m.raw_scale,
            "scale_code": f"0x{m.scale_code:02X}",
            "scale": m.scale,
            **asdict(s),
            "mse": m.mse,
            "chosen": m.chosen,
        }
        for m in w.mappings
        for s in m.steps
    )


def document(r: Report, w: Weights | None, files: list[str]) -> dict[str, Any]:
    """Return the report as JSON values: the figures of the CSV files, null for what is not finite."""
    return {
        "plan": asdict(r.plan),
        "recipes": [{"preset": e.preset, "label": e.label, "meaning": e.meaning} for e in LINEUP],
        "worked": {"mse": r.worked.mse, "steps": worked_steps(r.worked).to_dict("records")},
        "errors": records(r.errors),
        "formats": [{"preset": m.preset, "label": m.label, "bits": m.bits} for m in FAMILY],
        "family": records(r.family),
        "rules": [{"recipe": rule.key, "label": rule.label, "meaning": rule.meaning} for rule in RULES],
        "optimum": records(r.optimum),
        "position": records(r.profile),
        "published": records(r.published),
        "disagreement": [
            {
                "presets": m.presets,
                "distribution": m.distribution,
                "blocks": m.blocks,
                "differ": m.counts.tolist(),
                "hardware_decides": {"of_blocks": m.sampled, "blocks": dict(m.undecided)},
            }
            for m in r.matrices
        ],
        "wrong_choices": records(r.wrong),
        "weights": None if w is None else _weights(w),
        "files": files,
    }


def weights_document(w: Weights, files: list[str]) -> dict[str, Any]:
    """Return the JSON document on the weights of one checkpoint."""
    return {"weights": _weights(w), "files": files}


def _weights(w: Weights) -> dict[str, Any]:
    return {
        "file": w.name,
        "sha256": w.sha256,
        "totals": records(w.totals),
        "tensors": records(w.tensors),
        "left": w.left,
    }
