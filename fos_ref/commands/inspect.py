"""`fos inspect`: what a quantized checkpoint is, from its bytes and, where given, the original."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fos_ref.commands.options import AsJson, whole
from fos_ref.commands.output import say_json

#: As fos_ref.inspect.api has it; a test holds it to that.
BLOCKS = 1 << 20
_MISMATCH = 1


def inspect(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.safetensors", help="The quantized checkpoint, or its index.json.")
    ],
    against: Annotated[
        Path | None, typer.Option(metavar="ORIGINAL", help="The checkpoint that it was made from.")
    ] = None,
    blocks: Annotated[int, whole("Blocks to compare with every preset; 0: all of them.")] = BLOCKS,
    as_json: AsJson = False,  # noqa: FBT002 -- a switch
) -> None:
    """Say what a quantized checkpoint is, as far as its bytes tell.

    Convention, multiplier or divisor, nibble order, scale layout, bound,
    rule, share of blocks at 4, zero and NaN scales, negative zeros. With
    --against ORIGINAL also the dialect (the preset) that made it.

    Exit code 1: the file has a recipe manifest, and the original does not
    give these bytes by that recipe, tensor scales included.
    """
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn

    from fos_ref.commands.inspect_tables import show
    from fos_ref.inspect.api import inspect as inspect_file
    from fos_ref.report.console import output, progress

    size = DownloadColumn(binary_units=True)
    with progress(TextColumn("inspecting"), BarColumn(), size, TimeRemainingColumn()) as bar:
        task = bar.add_task("reading")
        found = inspect_file(
            file,
            against,
            blocks=blocks or None,
            progress=lambda n, total: bar.update(task, completed=n, total=total),
        )
    if as_json:
        say_json(found.to_dict())
    else:
        show(output(), found)
    if found.manifest_holds is False:
        raise typer.Exit(_MISMATCH)
