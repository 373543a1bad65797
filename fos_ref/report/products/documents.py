"""The files and the JSON document of the page on products."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fos_ref.report.products import figures, text
from fos_ref.report.products.measured import Products
from fos_ref.report.saving import png
from fos_ref.report.tables import csv, records

NAMES = (
    "products.md",
    *(f"products-{t}.csv" for t in ("certified", "distances", "programs", "alphas", "accumulators", "leaks")),
    *(text.CERTIFIED_FIGURE, text.DISTANCE_FIGURE, text.PROGRAMS_FIGURE, text.LEAKS_FIGURE),
)  #: of `products_files`, known before anything is measured


def products_files(p: Products) -> dict[str, bytes]:
    """Return the files by name."""
    return {
        "products.md": text.products_markdown(p),
        **{f"{stem}.csv": csv(table) for stem, table in p.tables.items()},
        text.CERTIFIED_FIGURE: png(figures.certified(p.certified)),
        text.DISTANCE_FIGURE: png(figures.distances(p.distances)),
        text.PROGRAMS_FIGURE: png(figures.programs(p.programs)),
        text.LEAKS_FIGURE: png(figures.leaks(p.leaks)),
    }


def products_document(p: Products, files: list[str]) -> dict[str, Any]:
    """Return the page as JSON values: the figures of the CSV files."""
    tables = {stem.removeprefix("products-"): records(table) for stem, table in p.tables.items()}
    return {"plan": asdict(p.plan), **tables, "files": files}
