"""`fos report`: the worked block, errors by distribution and recipe, real weights; as tables and figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TYPE_CHECKING

import typer

from fos_ref.commands.options import AsJson, distributions, EngineName, one_of, presets
from fos_ref.commands.output import say_json
from fos_ref.commands.own import Asked, check_places, write_beside, write_own
from fos_ref.commands.quantize import say_compiling
from fos_ref.commands.report_pages import Page, write_page
from fos_ref.commands.report_pages import products as products_page
from fos_ref.commands.report_pages import training as training_page
from fos_ref.errors import InputError

if TYPE_CHECKING:  # pandas loads with the report, not with the command line
    from rich.console import Console

    from fos_ref.report.measured import Report
    from fos_ref.report.weights import Weights


KINDS = ("png", "svg", "pdf")  #: as fos_ref.report.saving has them
Recipes = Annotated[
    list[str] | None,
    typer.Option(
        "--recipe",
        metavar="NAME|FILE",
        autocompletion=presets,
        help="Your recipes: presets or .json files. Again for more.",
    ),
]
Distributions = Annotated[
    list[str] | None,
    typer.Option(
        "--distribution",
        metavar="INPUT",
        autocompletion=distributions,
        help="Your inputs: a name, MODULE:FUNCTION of (shape, seed), .npy or .safetensors. Again for more.",
    ),
]


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
    recipe: Recipes = None,
    distribution: Distributions = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="One page of everything, which needs nothing else.")
    ] = None,
    latex: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The table of errors for a paper.")
    ] = None,
    figures: Annotated[str, one_of(KINDS, "What figures are written in, besides PNG.")] = "png",
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

    With --recipe or --distribution only these are measured: the recipes given, or the report's own, on the
    inputs given, or the report's own. Files: own.md, own.csv and own.png. --html FILE is one page of what was
    measured and of every table that lies in DIR already (docs/report.md).
    """
    asked = Asked(
        recipes=recipe or (),
        inputs=distribution or (),
        out=out,
        html=html,
        latex=latex,
        figures=figures,
        quick=quick,
        as_json=as_json,
        engine=engine,
    )
    page = _page(asked, weights, training=training, products=products)
    if page is not None:
        write_page(page, out, quick=quick, as_json=as_json)
        return
    if recipe or distribution:
        write_own(asked)
        return
    _whole(asked, weights)


def _whole(asked: Asked, weights: Path | None) -> None:
    """Measure the report itself, and weights beside it, and write all of it."""
    quick, engine = asked.quick, asked.engine
    from fos_ref.publish.publication import check_targets, write_all
    from fos_ref.publish.targets import Targets
    from fos_ref.report import documents, lineup, sweep
    from fos_ref.report.console import output, plain
    from fos_ref.report.weights import values_to_measure

    sweep.threads(engine)  # an engine that is not there is an error now, not in the middle
    values = values_to_measure(weights) if weights else 0
    engine = sweep.settled(engine, lineup.QUICK if quick else lineup.FULL, values)
    names = documents.names(weights, asked.figures)
    read = [weights] if weights else []
    targets = Targets(asked.folder, names, inputs=read)
    check_targets(targets)
    check_places(asked, read)
    console = output(quiet=asked.as_json)
    measured, real = _measure(console, quick=quick, weights=weights, values=values, engine=engine)
    files = documents.report_files(measured, asked.figures)
    files |= documents.weights_files(real, asked.figures) if real else {}
    written = [str(p) for p in (*write_all(targets, files), *write_beside(asked, files))]
    if asked.as_json:
        say_json(documents.document(measured, real, written))
    beside = "".join(f"; {p}" for p in (asked.html, asked.latex) if p is not None)
    console.print(plain(f"Written to {asked.folder}: {', '.join(files)}{beside}"))


def _page(asked: Asked, weights: Path | None, *, training: bool, products: bool) -> Page | None:
    """Return the page that is asked for, None for the report itself. Raises: InputError."""
    name = "--training" if training else "--products"
    odd = {
        "--products": training and products,
        "--weights": products and weights,
        "--engine": asked.engine != "auto",
        "--recipe": asked.recipes,
        "--distribution": asked.inputs,
        "--html": asked.html,
        "--latex": asked.latex,
        "--figures": asked.figures != "png",
    }
    if (training or products) and any(odd.values()):
        msg = f"{name} with {next(o for o, given in odd.items() if given)}: {name} without it is allowed"
        raise InputError(msg)
    if weights and (asked.recipes or asked.inputs):
        msg = "--weights beside --recipe or --distribution: --distribution FILE.safetensors is allowed"
        raise InputError(msg)
    if training:
        return training_page(weights, quick=asked.quick)
    return products_page(quick=asked.quick) if products else None


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
