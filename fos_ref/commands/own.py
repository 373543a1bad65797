"""`fos report --recipe --distribution`: own recipes and inputs; `--html`, `--latex`: where else it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fos_ref.commands.output import say_json

QUICK = "quick"
Table = Any  #: a DataFrame: pandas is imported in fos_ref/report/ only


@dataclass(frozen=True)
class Asked:
    """What the options say.

    figures: "png", or the ending of what is written besides
    """

    recipes: Sequence[str]
    inputs: Sequence[str]
    out: Path
    html: Path | None
    latex: Path | None
    figures: str
    quick: bool
    as_json: bool
    engine: str

    @property
    def folder(self) -> Path:
        """The report's folder."""
        return self.out / QUICK if self.quick else self.out


def check_places(asked: Asked, inputs: Sequence[Path] = ()) -> None:
    """Raise what writing --html and --latex would raise, before anything is measured."""
    from fos_ref.publish.publication import check_targets
    from fos_ref.publish.targets import one_file

    for place in (asked.html, asked.latex):
        if place is not None:
            check_targets(one_file(place, inputs=list(inputs)))


def write_beside(asked: Asked, made: Mapping[str, bytes], own: Table | None = None) -> list[Path]:
    """Write the page and the LaTeX table that are asked for; return where they are.

    made: the files just written to the folder; what the page shows besides lies there already
    own:  the table of own recipes and inputs
    """
    from fos_ref.publish.publication import write_all
    from fos_ref.publish.targets import one_file

    content: dict[Path, bytes] = {}
    if asked.html is not None:
        content[asked.html] = _page(asked, made, own)
    if asked.latex is not None:
        content[asked.latex] = _latex(asked, made, own)
    written: list[Path] = []
    for place, data in content.items():
        written += write_all(one_file(place), {place.name: data})
    return written


def _page(asked: Asked, made: Mapping[str, bytes], own: Table | None) -> bytes:
    from fos_ref.report.own.show import section
    from fos_ref.report.page.build import page
    from fos_ref.report.page.folder import tables_of
    from fos_ref.report.worked import worked

    sections = [] if own is None else [section(own)]
    return page(worked(), tables_of(asked.folder, made), sections)


def _latex(asked: Asked, made: Mapping[str, bytes], own: Table | None) -> bytes:
    """Return the table of own figures, else that of the errors by distribution."""
    from fos_ref.report.own.show import latex
    from fos_ref.report.page.folder import tables_of

    if own is not None:
        return latex(own)
    return latex(tables_of(asked.folder, made)["errors"].rename(columns={"distribution": "input"}))


def write_own(asked: Asked) -> None:
    """Measure own recipes on own inputs, print the table, write own.md, own.csv, the picture and the rest."""
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from fos_ref.inputs.distributions import STATISTICAL
    from fos_ref.publish.publication import check_targets, write_all
    from fos_ref.publish.targets import Targets
    from fos_ref.report import lineup
    from fos_ref.report.console import of_rows, output, plain, progress, titled
    from fos_ref.report.metrics import METRICS
    from fos_ref.report.own import show
    from fos_ref.report.own.inputs import inputs_of
    from fos_ref.report.own.table import measured, recipes_of

    recipes = recipes_of(list(asked.recipes or lineup.RECIPES))
    inputs = inputs_of(list(asked.inputs or STATISTICAL))
    files = [p for p in map(Path, (*asked.inputs, *asked.recipes)) if p.is_file()]
    names = [show.PAGE, show.CSV, *_pictures(asked)]
    targets = Targets(asked.folder, names, inputs=files)
    check_targets(targets)
    check_places(asked, files)
    console = output(quiet=asked.as_json)
    plan = lineup.QUICK if asked.quick else lineup.FULL
    with progress(TextColumn("inputs"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task("inputs", total=len(inputs))
        table = measured(recipes, inputs, plan, asked.engine, lambda: bar.advance(task))
    said = "Your recipes on your inputs; after ±: half of the 95 % interval. own.csv has the other metrics."
    console.print(plain(said), "")
    for metric in ("mse_e3", "mse_ratio"):
        console.print(titled(METRICS[metric], of_rows(show.cell_rows(table, metric))), "")
    made = own_files(asked, table, recipes, {n: why for i in inputs for n, why in i.left.items()})
    written = [*write_all(targets, made), *write_beside(asked, made, table)]
    if asked.as_json:
        say_json(_document(table, written))
    console.print(plain(f"Written: {', '.join(map(str, written))}"))


def own_files(asked: Asked, table: Table, recipes: Any, left: Mapping[str, str]) -> dict[str, bytes]:
    """Return the files of own figures by name."""
    from fos_ref.report.own import show
    from fos_ref.report.saving import KINDS
    from fos_ref.report.tables import csv

    pictures = {n: KINDS[n.rpartition(".")[2]](show.picture(table)) for n in _pictures(asked)}
    return {show.PAGE: show.markdown_page(table, recipes, left), show.CSV: csv(table), **pictures}


def _pictures(asked: Asked) -> list[str]:
    kinds = dict.fromkeys(("png", asked.figures))
    return [f"own.{kind}" for kind in kinds]


def _document(table: Table, written: Sequence[Path]) -> dict[str, Any]:
    from fos_ref.report.tables import records

    return {"own": records(table), "files": [str(p) for p in written]}
