"""`fos quantize`: a safetensors checkpoint in, an NVFP4 checkpoint out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, TYPE_CHECKING

import typer

from fos_ref.commands.options import AsJson, CONVENTIONS, EngineName, one_of, RecipeName
from fos_ref.commands.output import say_json

if TYPE_CHECKING:
    from rich.console import Console


def quantize(  # noqa: PLR0917 -- typer reads the parameters
    source: Annotated[Path, typer.Argument(metavar="IN.safetensors", help="The checkpoint to read.")],
    target: Annotated[Path, typer.Argument(metavar="OUT.safetensors", help="The checkpoint to write.")],
    recipe: RecipeName = "4over6",
    convention: Annotated[str, one_of(CONVENTIONS, "How the output is laid out.")] = "modelopt",
    include: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Quantize these names only; sets the default exclusions aside."),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Copy these names unchanged, besides the default ones."),
    ] = None,
    engine: EngineName = "auto",
    force: Annotated[bool, typer.Option("--force", help="Replace OUT.safetensors if it exists.")] = False,  # noqa: FBT002 -- a switch
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Quantize the weights of a safetensors checkpoint to NVFP4.

    Weights are the 2-D floating-point tensors whose name ends in .weight
    and whose last axis is a multiple of 16 (rows too for 16x16 recipes).
    Embeddings, output heads and expert routers are left alone unless
    --include names them. Everything else is copied unchanged and listed
    with the reason.
    """
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn

    from fos_ref.commands.quantize_tables import document, show
    from fos_ref.engines.convert import quantize_checkpoint
    from fos_ref.report.console import output, progress
    from fos_ref.storage.select import Selection

    selection = Selection(tuple(include or ()), tuple(exclude or ()))
    start = time.perf_counter()
    size = DownloadColumn(binary_units=True)
    bars = progress(TextColumn("quantizing"), BarColumn(), size, TimeRemainingColumn())
    with bars as bar:
        task = bar.add_task("reading")
        done = quantize_checkpoint(
            source,
            target,
            recipe,
            convention=convention,
            selection=selection,
            engine=engine,
            overwrite=force,
            progress=lambda n, total: bar.update(task, completed=n, total=total),
            compiling=lambda: say_compiling(bar.console),
        )
    seconds = time.perf_counter() - start
    if as_json:
        say_json(document(source, target, done, seconds))
    else:
        show(output(), target, done, seconds)


def say_compiling(console: Console) -> None:
    """Say on a terminal why nothing moves."""
    if console.is_terminal:
        console.print("Compiling the fast engine: some 20 seconds, once on this machine.")
