"""`fos report`: the worked block, errors by distribution and recipe, real weights; as tables and figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TYPE_CHECKING

import typer

from fos_ref.commands.options import AsJson, EngineName
from fos_ref.commands.output import say_json
from fos_ref.commands.quantize import say_compiling
from fos_ref.commands.report_pages import Page, QUICK, write_page
from fos_ref.commands.report_pages import products as products_page
from fos_ref.commands.report_pages import training as training_page
from fos_ref.errors import InputError

if TYPE_CHECKING:  # pandas loads with the report, not with the command line
    from rich.console import Console

    from fos_ref.report.measured import Report
    from fos_ref.report.weights import Weights


def report(
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer and smaller tensors; written to DIR/quick.")
    ] = False,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE.safetensors", help="Measure these weights too, tensor by tensor."),
    ] = None,
    training: Annotated[
        bool, typer.Option("--training", help="The page on training instead; --weights gives its layer.")
    ] = False,
    products: Annotated[
        bool, typer.Option("--products", help="The page on products, accumulators and causal leaks instead.")
    ] = False,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the files go.")] = Path("reports"),
    as_json: AsJson = False,
    engine: EngineName = "auto",
) -> None:
    """Measure what 4/6 changes and where dialects differ: errors by distribution and recipe, real weights.

    Writes report.md with its tables (CSV) and figures (PNG) to DIR, and for --weights FILE.safetensors
    weights-FILE.md, .csv and .png. The same call writes the same bytes, whatever the engine. A quick report
    goes to DIR/quick, so that it never replaces a full one.

    --training writes training.md instead, --products products.md, each with its tables and figures. A page on
    training takes x, w and g of FILE.safetensors for its layer, or else the first weight that fits.
    """
    page = _page(weights, engine, quick=quick, training=training, products=products)
    if page is not None:
        write_page(page, out, quick=quick, as_json=as_json)
        return
    from fos_ref.publish.publication import check_targets, write_all
    from fos_ref.publish.targets import Targets
    from fos_ref.report import documents, lineup, sweep
    from fos_ref.report.console import output, plain
    from fos_ref.report.weights import values_to_measure

    sweep.threads(engine)  # an engine that is not there is an error now, not in the middle
    values = values_to_measure(weights) if weights else 0
    engine = sweep.settled(engine, lineup.QUICK if quick else lineup.FULL, values)
    folder = out / QUICK if quick else out
    names = [*documents.REPORT_NAMES, *(documents.weights_names(weights.name) if weights else ())]
    targets = Targets(folder, names, inputs=[weights] if weights else [])
    check_targets(targets)
    console = output(quiet=as_json)
    measured, real = _measure(console, quick=quick, weights=weights, values=values, engine=engine)
    files = documents.report_files(measured) | (documents.weights_files(real) if real else {})
    written = [str(p) for p in write_all(targets, files)]
    if as_json:
        say_json(documents.document(measured, real, written))
    console.print(plain(f"Written to {folder}: {', '.join(files)}"))


def _page(weights: Path | None, engine: str, *, quick: bool, training: bool, products: bool) -> Page | None:
    """Return the page that is asked for, None for the report itself. Raises: InputError."""
    name = "--training" if training else "--products"
    odd = {
        "--products": training and products,
        "--weights": products and weights,
        "--engine": engine != "auto",
    }
    if (training or products) and any(odd.values()):
        msg = f"{name} with {next(o for o, given in odd.items() if given)}: {name} without it is allowed"
        raise InputError(msg)
    if training:
        return training_page(weights, quick=quick)
    return products_page(quick=quick) if products else None


def _measure(
    console: Console, *, quick: bool, weights: Path | None, values: int, engine: str
) -> tuple[Report, Weights | None]:
    """Measure and print: the worked block first, then the summary and the totals of the weights."""
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from fos_ref.report import lineup, sweep, terminal, worked
    from fos_ref.report.console import progress
    from fos_ref.report.measured import jobs, measure_report
    from fos_ref.report.weights import measure_weights

    plan = lineup.QUICK if quick else lineup.FULL
    terminal.show_worked(console, worked.worked())
    real = None
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with progress(*columns) as bar:
        sweep.when_compiling(engine, lambda: say_compiling(bar.console))
        task = bar.add_task("distributions and dialects", total=jobs(plan))
        measured = measure_report(plan, engine, lambda: bar.advance(task))
        if weights:
            reading = bar.add_task("weights", total=values)
            real = measure_weights(weights, engine, lambda n: bar.advance(reading, n))
    terminal.show_summary(console, measured)
    if real is not None:
        terminal.show_weights(console, real)
    return measured, real
