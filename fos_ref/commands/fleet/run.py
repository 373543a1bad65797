"""`fos fleet run`: the tasks of a plan, those that are not proven yet."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from fos_ref.commands.fleet.options import By, Count, part_of, Scheduler, Target, tasks_by
from fos_ref.commands.options import AsJson, EngineName, whole
from fos_ref.commands.output import say_json

#: As fos_ref.fleet.window has it, in MiB; a test holds it to that.
HOLD_MIB = 1024
_FAILED = 1


def run(  # noqa: PLR0917 -- typer reads the parameters
    target: Target,
    engine: By = "local",
    workers: Count = 1,
    scheduler: Scheduler = None,
    shard: Annotated[
        str | None, typer.Option("--shard", metavar="I/N", help="Every N-th shard from the I-th on, from 0.")
    ] = None,
    hold: Annotated[
        int, whole("MiB of a matrix that is read once and held; larger ones are read twice.")
    ] = HOLD_MIB,
    verify: Annotated[  # noqa: FBT002 -- a switch
        bool, typer.Option("--verify", help="Hash finished outputs before they are skipped.")
    ] = False,
    compute: EngineName = "auto",
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Make the shards of a plan that are not made yet.

    Run it again after a crash, on other machines, or twice at once: a shard
    that its record proves is skipped, and every attempt gives the same
    bytes. The last shard brings index, configuration and manifest.

    Exit code 1: some shards are not there; each is named with the reason.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    from fos_ref.fleet.places.find import place
    from fos_ref.fleet.plan import read_plan
    from fos_ref.fleet.run import run as run_fleet
    from fos_ref.fleet.task import How
    from fos_ref.fleet.workers.work import shared_cores
    from fos_ref.report.console import output, progress

    part, at = part_of(shard), place(target)
    fleet = read_plan(at)
    how = How(engine=compute, threads=shared_cores(workers), hold=hold << 20, verify=verify)
    columns = (TextColumn("shards"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with tasks_by(engine, workers, scheduler) as found, progress(*columns) as bar:
        task = bar.add_task("", total=len(list(fleet.parts)[part.first :: part.step]))
        ran = run_fleet(fleet, at, found, how, part=part, say=lambda _: bar.advance(task))
    if as_json:
        say_json(_document(ran))
    else:
        _show(output(), ran)
    if ran.bad:
        raise typer.Exit(_FAILED)


def _document(ran: Any) -> dict[str, Any]:
    return {
        "plan": ran.fleet.id,
        "finished": ran.sha256 is not None,
        "shards": [r._asdict() for r in sorted(ran.results)],
        "sha256": ran.sha256,
    }


def _show(console: Any, ran: Any) -> None:
    from fos_ref.report.console import named, plain, table, titled

    counts = {s: sum(r.state == s for r in ran.results) for s in ("done", "skipped", "failed", "lost")}
    if ran.bad:
        made = table(("shard", "state", "why"))
        for r in sorted(ran.bad):
            made.add_row(named(r.shard), r.state, plain(r.why))
        console.print(titled("not made", made))
    rest = "the folder is whole" if ran.sha256 is not None else "the folder is not whole yet"
    console.print(
        plain(f"{', '.join(f'{n} {s}' for s, n in counts.items() if n) or 'nothing to do'}; {rest}")
    )
