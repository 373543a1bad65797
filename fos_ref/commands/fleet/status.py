"""`fos fleet status`: how far a plan is, from records alone."""

from __future__ import annotations

from dataclasses import asdict

import typer

from fos_ref.commands.fleet.options import Target
from fos_ref.commands.options import AsJson
from fos_ref.commands.output import say_json

_FAILED = 1
_MIB = 1 << 20


def status(target: Target, as_json: AsJson = False) -> None:  # noqa: FBT002 -- a switch
    """Say how far a plan is, from any machine that sees DST.

    Counts records: whoever runs the tasks, and wherever. The rate is that of
    all workers from the first shard on.

    Exit code 1: a shard failed.
    """
    from fos_ref.fleet.places.find import place
    from fos_ref.fleet.plan import read_plan
    from fos_ref.fleet.status import status as look
    from fos_ref.report.console import named, output, plain, table, titled

    at = place(target)
    found = look(read_plan(at), at)
    if as_json:
        say_json(asdict(found))
    else:
        console = output()
        if found.failed:
            made = table(("shard", "why"))
            for shard, why in found.failed.items():
                made.add_row(named(shard), plain(why))
            console.print(titled("failed", made))
        whole = "; the folder is whole" if found.finished else ""
        rate = f"; {found.rate / _MIB:.1f} MiB/s" if found.rate is not None else ""
        left = f", {found.seconds_left:.0f} s left" if found.seconds_left and found.missing else ""
        console.print(
            plain(
                f"plan {found.plan[:12]}: {len(found.done)} of {found.shards} shards done, "
                f"{len(found.failed)} failed, {len(found.missing)} missing{rate}{left}{whole}"
            )
        )
    if found.failed:
        raise typer.Exit(_FAILED)
