"""`fos fleet report`: what `fos report --weights` measures, over the shards of a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fos_ref.commands.fleet.options import By, Count, Scheduler, Source, tasks_by
from fos_ref.commands.options import AsJson, EngineName
from fos_ref.commands.output import say_json


def report(  # noqa: PLR0917 -- typer reads the parameters
    source: Source,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the files go.")] = Path("reports"),
    engine: By = "local",
    workers: Count = 1,
    scheduler: Scheduler = None,
    compute: EngineName = "auto",
    as_json: AsJson = False,  # noqa: FBT002 -- a switch
) -> None:
    """Measure every rule on the weights of a checkpoint of many shards.

    Writes weights-NAME.md, .csv and .png to DIR, NAME that of the folder. The
    SHA-256 in it is that of the lines of sha256sum over the shards.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    from fos_ref.fleet.looking.measuring import measure_fleet
    from fos_ref.fleet.places.find import origin
    from fos_ref.fleet.workers.work import shared_cores
    from fos_ref.publish.publication import check_targets, write_all
    from fos_ref.publish.targets import Targets
    from fos_ref.report import documents, terminal
    from fos_ref.report.console import output, plain, progress

    at = origin(source)
    names = documents.weights_names(at.place.path("x").parent.name or at.file)
    check_targets(Targets(out, list(names)))
    columns = (TextColumn("shards"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with tasks_by(engine, workers, scheduler) as found, progress(*columns) as bar:
        task = bar.add_task("", total=None)
        measured = measure_fleet(
            at, found, engine=compute, threads=shared_cores(workers), say=lambda _: bar.advance(task)
        )
    written = [str(p) for p in write_all(Targets(out, list(names)), documents.weights_files(measured))]
    if as_json:
        say_json(documents.weights_document(measured, written))
        return
    console = output()
    terminal.show_weights(console, measured)
    console.print(plain(f"Written to {out}: {', '.join(Path(w).name for w in written)}"))
