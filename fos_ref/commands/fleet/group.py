"""`fos fleet` as its parser has it."""

from __future__ import annotations

import typer

from fos_ref.commands.fleet.inspect import inspect
from fos_ref.commands.fleet.plan import plan
from fos_ref.commands.fleet.report import report
from fos_ref.commands.fleet.run import run
from fos_ref.commands.fleet.status import status
from fos_ref.commands.help import Command, Group

fleet = typer.Typer(
    name="fleet",
    cls=Group,
    rich_markup_mode=None,
    short_help="Quantize or inspect hundreds of shards.",
    help="Quantize or inspect hundreds of shards, in folders or in object storage, by many workers.\n\n"
    "The guarantee lies in the files: a plan, shards that appear whole, and a record of each. Run it again "
    "after whatever went wrong; what is proven is skipped.",
)
fleet.command(cls=Command, short_help="Read headers; write the plan.")(plan)
fleet.command(cls=Command, short_help="Make what is not made yet.")(run)
fleet.command(cls=Command, short_help="Say how far it is.")(status)
fleet.command(cls=Command, short_help="Inspect a quantized checkpoint.")(inspect)
fleet.command(cls=Command, short_help="Measure every rule on the weights.")(report)
