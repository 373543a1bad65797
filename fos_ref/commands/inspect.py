"""`fos inspect`: what a quantized checkpoint is, from its bytes and, where given, the original."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fos_ref.commands.options import AsJson, whole
from fos_ref.commands.output import say_json
from fos_ref.errors import InputError
from fos_ref.errors.text import shown

#: As fos_ref.inspect.api has it; a test holds it to that.
BLOCKS = 1 << 24
_MISMATCH = 1


def inspect(  # noqa: PLR0917 -- typer reads the parameters
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="The quantized checkpoint: safetensors, GGUF, an index.json, a folder."
        ),
    ],
    against: Annotated[
        Path | None,
        typer.Option(metavar="ORIGINAL", help="What it was made from, or another quantized checkpoint."),
    ] = None,
    renames: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="OLD=NEW", help="FILE's names that begin with OLD are NEW... in ORIGINAL."
        ),
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="The recipe that is said to have made FILE.")
    ] = None,
    blocks: Annotated[int, whole("Blocks to compare with the original; 0: all of them.")] = BLOCKS,
    every: Annotated[bool, typer.Option("--all", help="Compare every block.")] = False,  # noqa: FBT002 -- a switch
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 1 for any problem.")] = False,  # noqa: FBT002
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Say what a quantized checkpoint is, and what is wrong with it.

    Convention, multiplier or divisor, nibble order, scale layout, bound,
    rule, share of blocks at 4, zero and NaN scales, missing parts, fused
    weights with different tensor scales. With --against ORIGINAL also the
    dialect (the preset) that made it, and the weights that differ.

    NVFP4 and MXFP4; stacked experts count as one weight each, P[e].

    Exit code 1: a problem, and --against or --strict was given; or bytes that
    are not those of the file's own recipe manifest.
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
            blocks=None if every else blocks or None,
            recipe=recipe,
            renames=_pairs(renames or [], against),
            progress=lambda n, total: bar.update(task, completed=n, total=total),
        )
    if as_json:
        say_json(found.to_dict())
    else:
        show(output(), found)
    if found.manifest_holds is False or (found.problems and (strict or against is not None)):
        raise typer.Exit(_MISMATCH)


def _pairs(renames: list[str], against: Path | None) -> list[tuple[str, str]]:
    """Return the renamings that --map asks for; InputError for others, or with no original."""
    if renames and against is None:
        msg = f"--map {shown(renames[0])}: --against ORIGINAL is needed, where names are looked up"
        raise InputError(msg)
    found = []
    for text in renames:
        old, sign, new = text.partition("=")
        if not sign or not (old or new):
            msg = f"--map {shown(text)}: OLD=NEW is allowed"
            raise InputError(msg)
        found.append((old, new))
    return found
