"""`fos report`: the worked block, errors by distribution and recipe, real weights; as tables and figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from fos_ref.commands.quantize import say_compiling

if TYPE_CHECKING:  # pandas loads with the report, not with the command line
    from fos_ref.report.documents import Report
    from fos_ref.report.weights import Weights

_PIPED_WIDTH = 120
_QUICK = "quick"


def report(
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer and smaller tensors; written to OUT/quick.")
    ] = False,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE.safetensors", help="Measure these weights too, tensor by tensor."),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the files go.")] = Path("reports"),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    engine: Annotated[str, typer.Option(help="auto, numpy, numba or cuda: the bits are the same.")] = "auto",
) -> None:
    """Measure what 4/6 changes, and where dialects part: errors by distribution and recipe, real weights.

    Writes report.md with its tables (CSV) and figures (PNG) to OUT, and for --weights FILE.safetensors
    weights-FILE.md, .csv and .png. The same call writes the same bytes, whatever the engine. A quick report
    goes to OUT/quick, so that it never stands where a full one did.
    """
    from fos_ref.report import documents, lineup, sweep  # noqa: PLC0415 -- `fos --help` needs no pandas
    from fos_ref.report.files import check_folder, write_all  # noqa: PLC0415
    from fos_ref.report.weights import values_to_measure  # noqa: PLC0415

    sweep.threads(engine)  # an engine that is not there is an error now, not in the middle
    values = values_to_measure(weights) if weights else 0
    engine = sweep.settled(engine, lineup.QUICK if quick else lineup.FULL, values)
    folder = out / _QUICK if quick else out
    check_folder(folder)
    console = _console(quiet=as_json)
    measured, real = _measure(console, quick=quick, weights=weights, values=values, engine=engine)
    files = documents.report_files(measured) | (documents.weights_files(real) if real else {})
    written = [str(p) for p in write_all(folder, files)]
    if as_json:
        typer.echo(json.dumps(documents.document(measured, real, written), indent=2, allow_nan=False))
    console.print(Text(f"Written to {folder}: {', '.join(files)}"))


def _measure(
    console: Console, *, quick: bool, weights: Path | None, values: int, engine: str
) -> tuple[Report, Weights | None]:
    """Measure and print: the worked block first, then the summary and the totals of the weights."""
    from fos_ref.report import documents, lineup, sweep, terminal, worked  # noqa: PLC0415
    from fos_ref.report.weights import measure_weights  # noqa: PLC0415

    plan = lineup.QUICK if quick else lineup.FULL
    terminal.show_worked(console, worked.worked())
    real = None
    with _progress() as bar:
        sweep.when_compiling(engine, lambda: say_compiling(bar.console))
        task = bar.add_task("distributions and dialects", total=documents.jobs(plan))
        measured = documents.measure_report(plan, engine, lambda: bar.advance(task))
        if weights:
            reading = bar.add_task("weights", total=values)
            real = measure_weights(weights, engine, lambda n: bar.advance(reading, n))
    terminal.show_summary(console, measured)
    if real is not None:
        terminal.show_weights(console, real)
    return measured, real


def _console(*, quiet: bool) -> Console:
    """Return the console of the output, wide enough for the tables when it is piped."""
    console = Console(quiet=quiet)
    return console if console.is_terminal else Console(quiet=quiet, width=_PIPED_WIDTH)


def _progress() -> Progress:
    """Return bars on the error stream: drawn on a terminal, silent when piped."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
