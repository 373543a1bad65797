"""`fos fleet inspect`: `fos inspect` shard by shard, and what is wrong between shards."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from fos_ref.commands.fleet.options import By, Count, Scheduler, tasks_by
from fos_ref.commands.options import AsJson, whole
from fos_ref.commands.output import say_json

#: As fos_ref.inspect.api has it; a test holds it to that.
BLOCKS = 1 << 24
_MISMATCH = 1


def inspect(  # noqa: PLR0917 -- typer reads the parameters
    checkpoint: Annotated[
        str,
        typer.Argument(metavar="CHECKPOINT", help="The quantized one: a folder, index or file; path or URL."),
    ],
    against: Annotated[
        str | None, typer.Option(metavar="ORIGINAL", help="What it was made from; a path or a URL.")
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="The recipe that is said to have made it.")
    ] = None,
    blocks: Annotated[int, whole("Blocks to compare with the original; 0: all of them.")] = BLOCKS,
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 1 for any problem.")] = False,  # noqa: FBT002
    engine: By = "local",
    workers: Count = 1,
    scheduler: Scheduler = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Say what is wrong with a quantized checkpoint of many shards: which weight, in which shard.

    Each shard is read by ranges, a task a shard, and held against its own
    recipe manifest: every tensor scale, and bytes that the recipe cannot
    give. With --against ORIGINAL the weights are quantized again.

    Exit code 1: a shard that cannot be read; bytes that are not those of the
    manifest; a problem, and --against or --strict was given.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    from fos_ref.fleet.looking.inspection import inspect_fleet
    from fos_ref.fleet.places.find import origin
    from fos_ref.recipes.catalog import recipe as get_recipe
    from fos_ref.report.console import output, progress

    columns = (TextColumn("shards"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with tasks_by(engine, workers, scheduler) as found, progress(*columns) as bar:
        task = bar.add_task("", total=None)
        seen = inspect_fleet(
            origin(checkpoint),
            found,
            against=None if against is None else origin(against),
            recipe=None if recipe is None else get_recipe(recipe),
            blocks=blocks or None,
            say=lambda _: bar.advance(task),
        )
    if as_json:
        say_json(_document(seen))
    else:
        _show(output(), seen)
    if seen.unread or seen.holds is False or (seen.problems and (strict or against is not None)):
        raise typer.Exit(_MISMATCH)


def _document(seen: Any) -> dict[str, Any]:
    return {
        "checkpoint": seen.url,
        "against": seen.against,
        "manifest_holds": seen.holds,
        "problems": [{"shard": shard or None, **p.to_dict()} for shard, p in seen.problems],
        "unread": {s.shard: s.why for s in seen.unread},
        "shards": {s.shard: s.found for s in seen.shards},
    }


def _show(console: Any, seen: Any) -> None:
    from fos_ref.report.console import apart, named, plain, table, titled

    rows = table(("shard", "recipe"), ("weights", "blocks", "to 4", "problems"))
    for s in seen.shards:
        found = s.found or {}
        share, manifest = found.get("share4"), found.get("manifest") or {}
        rows.add_row(
            named(s.shard),
            plain("cannot be read" if s.why else manifest.get("recipe", "-")),
            f"{len(s.weights):,}",
            f"{found.get('blocks', 0):,}",
            "-" if share is None else f"{share:.2%}",
            str(len(s.problems)),
        )
    parts = [titled("shards", rows)]
    if seen.problems or seen.unread:
        made = table(("shard", "problem", "what"))
        for s in seen.unread:
            made.add_row(named(s.shard), "unreadable", plain(s.why))
        for shard, p in seen.problems:
            made.add_row(named(shard) if shard else "-", p.problem, plain(p.what))
        parts.append(titled("problems", made))
    told = {True: "all bytes are the manifest's", False: "bytes are not the manifest's", None: ""}[seen.holds]
    line = f"{len(seen.shards)} shards, {len(seen.problems) + len(seen.unread)} problems"
    console.print(apart(*parts, plain(f"{line}; {told}" if told else line)))
