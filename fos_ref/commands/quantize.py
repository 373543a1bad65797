"""`fos quantize`: a safetensors checkpoint in, an NVFP4 or MXFP4 checkpoint out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any, TYPE_CHECKING

import typer

from fos_ref.commands.options import (
    AsJson,
    CONVENTIONS,
    EngineName,
    one_of,
    ORIENTATIONS,
    RecipeName,
    SHARES,
)
from fos_ref.commands.output import say_json
from fos_ref.commands.random_bits import bits_of
from fos_ref.commands.random_bits import random_bits as random_bits_option

if TYPE_CHECKING:
    from rich.console import Console

    from fos_ref.engines.conversion.outcome import Conversion

Source = Annotated[
    Path, typer.Argument(metavar="IN.safetensors", help="A file, an index of shards, or a folder.")
]
Target = Annotated[
    Path, typer.Argument(metavar="OUT.safetensors", help="A file; a new folder for an index or a folder.")
]
Include = Annotated[
    list[str] | None,
    typer.Option(metavar="PATTERN", help="Quantize these names only; sets the default exclusions aside."),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(metavar="PATTERN", help="Copy these names unchanged, besides the default ones."),
]
Share = Annotated[str, one_of(SHARES, "What shares a tensor scale: fused is q/k/v and gate/up.")]
Padded = Annotated[bool, typer.Option("--padding", help="Fill rows up to whole blocks.")]
Experts = Annotated[
    str | None, one_of(ORIENTATIONS, "How the experts of a stack lie, if config.json is silent.")
]
RandomBits = Annotated[
    str | None, random_bits_option("The random words of a stochastic recipe, for one matrix.")
]
Config = Annotated[bool, typer.Option("--config", help="Write the configuration beside a file.")]
Force = Annotated[bool, typer.Option("--force", help="Replace OUT.safetensors if it exists.")]


def quantize(  # noqa: PLR0917 -- typer reads the parameters
    source: Source,
    target: Target,
    recipe: RecipeName = "4over6",
    convention: Annotated[str, one_of(CONVENTIONS, "How the output is laid out.")] = "modelopt",
    include: Include = None,
    exclude: Exclude = None,
    share: Share = "none",
    padding: Padded = False,  # noqa: FBT002 -- a switch
    experts: Experts = None,
    random_bits: RandomBits = None,
    config: Config = False,  # noqa: FBT002
    engine: EngineName = "auto",
    force: Force = False,  # noqa: FBT002
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Quantize the weights of a safetensors checkpoint to NVFP4 or MXFP4.

    Weights are the 2-D floating-point tensors whose name ends in .weight
    and whose last axis is a multiple of 16 (rows too for 16x16 recipes),
    32 for MXFP4, and stacks of experts: each has a tensor scale of its
    own. Embeddings, output heads and expert routers are left alone unless
    --include names them. Everything else is copied unchanged and listed
    with the reason. A folder becomes a new folder that loaders read.
    A recipe that rounds stochastically takes one matrix and its random
    words: --include names it where there are more.
    """
    from fos_ref.commands.quantize_tables import document, show
    from fos_ref.report.console import output
    from fos_ref.storage.select import Selection

    start = time.perf_counter()
    done = _with_a_bar(
        source,
        target,
        recipe,
        convention=convention,
        selection=Selection(tuple(include or ()), tuple(exclude or ())),
        share=share,
        padding=padding,
        experts=experts,
        random_bits=bits_of(random_bits),
        config=config,
        engine=engine,
        overwrite=force,
    )
    seconds = time.perf_counter() - start
    if as_json:
        say_json(document(source, target, done, seconds))
    else:
        show(output(), target, done, seconds)


def _with_a_bar(*args: Any, **how: Any) -> Conversion:
    """Quantize while a bar on a terminal shows how far it is."""
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn

    from fos_ref.engines.convert import quantize_checkpoint
    from fos_ref.report.console import progress

    size = DownloadColumn(binary_units=True)
    with progress(TextColumn("quantizing"), BarColumn(), size, TimeRemainingColumn()) as bar:
        task = bar.add_task("reading")
        return quantize_checkpoint(
            *args,
            **how,
            progress=lambda n, total: bar.update(task, completed=n, total=total),
            compiling=lambda: say_compiling(bar.console),
        )


def say_compiling(console: Console) -> None:
    """Say on a terminal why nothing moves."""
    if console.is_terminal:
        console.print("Compiling the fast engine: 20 to 80 seconds, once on this machine.")
