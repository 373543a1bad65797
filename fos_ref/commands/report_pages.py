"""`fos report --training` and `--products`: pages of their own, measured and written as the report is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TYPE_CHECKING

from fos_ref.commands.output import say_json

if TYPE_CHECKING:  # pandas loads with the report, not with the command line
    from rich.console import Console

QUICK = "quick"
Done = Callable[[], None]


class Page(NamedTuple):
    """One page: what it measures, prints and writes."""

    what: str  #: for the bar
    names: Sequence[str]  #: of its files
    jobs: int
    measure: Callable[[Done], Any]
    show: Callable[[Console, Any], None]
    files: Callable[[Any], dict[str, bytes]]
    document: Callable[[Any, list[str]], dict[str, Any]]
    inputs: Sequence[Path] = ()


def write_page(page: Page, out: Path, *, quick: bool, as_json: bool) -> None:
    """Measure a page, print what stands for it, and write its files to `out`, or to quick inside."""
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from fos_ref.publish.publication import check_targets, write_all
    from fos_ref.publish.targets import Targets
    from fos_ref.report.console import output, plain, progress

    folder = out / QUICK if quick else out
    targets = Targets(folder, list(page.names), inputs=list(page.inputs))
    check_targets(targets)
    console = output(quiet=as_json)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with progress(*columns) as bar:
        task = bar.add_task(page.what, total=page.jobs)
        found = page.measure(lambda: bar.advance(task))
    page.show(console, found)
    files = page.files(found)
    written = [str(p) for p in write_all(targets, files)]
    if as_json:
        say_json(page.document(found, written))
    console.print(plain(f"Written to {folder}: {', '.join(files)}"))


def products(*, quick: bool) -> Page:
    """Return the page on products."""
    from fos_ref.report.products import documents, measured, terminal
    from fos_ref.report.products.plan import FULL
    from fos_ref.report.products.plan import QUICK as LITTLE

    plan = LITTLE if quick else FULL
    return Page(
        what="products, programs and leaks",
        names=documents.NAMES,
        jobs=measured.jobs(plan),
        measure=lambda done: measured.measure_products(plan, done),
        show=terminal.show,
        files=documents.products_files,
        document=documents.products_document,
    )


def training(weights: Path | None, *, quick: bool) -> Page:
    """Return the page on training; the layer is that of `weights`, or made."""
    from fos_ref.report.training import documents, measured, terminal
    from fos_ref.report.training.captured import read_layer
    from fos_ref.report.training.layer import synthetic
    from fos_ref.report.training.plan import FULL
    from fos_ref.report.training.plan import QUICK as LITTLE

    plan = LITTLE if quick else FULL
    layer = read_layer(weights, plan) if weights else synthetic(plan)
    return Page(
        what="rounders, means of draws and a layer",
        names=documents.NAMES,
        jobs=measured.jobs(plan),
        measure=lambda done: measured.measure_training(plan, layer, done),
        show=terminal.show,
        files=documents.training_files,
        document=documents.training_document,
        inputs=[weights] if weights else [],
    )
