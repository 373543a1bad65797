"""`fos inspect`: what a quantized checkpoint is, from its bytes and, where given, the original."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from fos_ref.inspect.api import BLOCKS
from fos_ref.inspect.api import inspect as inspect_file
from fos_ref.inspect.findings import counts_of, zero_block_bytes
from fos_ref.inspect.report import Inspection

_PIPED_WIDTH = 140
_MISMATCH = 1
_UNTOLD = "-"


def inspect(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.safetensors", help="The quantized checkpoint, or its index.json.")
    ],
    against: Annotated[
        Path | None, typer.Option(metavar="ORIGINAL", help="The checkpoint that it was made from.")
    ] = None,
    blocks: Annotated[
        int, typer.Option(min=0, help="Blocks to compare with every preset; 0: all of them.")
    ] = BLOCKS,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,  # noqa: FBT002 -- a switch
) -> None:
    """Say what a quantized checkpoint is, as far as its bytes tell.

    Convention, multiplier or divisor, nibble order, scale layout, bound,
    rule, share of blocks at 4, zero and NaN scales, negative zeros. With
    --against ORIGINAL also the dialect (the preset) that made it.

    Exit code 1: the file has a recipe manifest, and the original does not
    give these bytes by that recipe.
    """
    with _progress() as bar:
        task = bar.add_task("reading")
        found = inspect_file(
            file,
            against,
            blocks=blocks or None,
            progress=lambda n, total: bar.update(task, completed=n, total=total),
        )
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=2))
    else:
        console = Console()
        _show(console if console.is_terminal else Console(width=_PIPED_WIDTH), found)
    if found.manifest_holds is False:
        raise typer.Exit(_MISMATCH)


def _progress() -> Progress:
    """Return a bar on the error stream: drawn on a terminal, silent when piped."""
    console = Console(stderr=True)
    columns = (
        TextColumn("inspecting"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _show(console: Console, found: Inspection) -> None:
    console.print(_findings(found))
    console.print(_counts(found))
    if found.ranked:
        console.print(_dialects(found))
    for line in _notes(found):
        console.print(_text(line))


def _findings(found: Inspection) -> Table:
    table = Table("property", "found", box=SIMPLE, title=_text(found.path), title_justify="left")
    table.add_column("seen", overflow="fold")
    for name, f in found.findings.items():
        table.add_row(name.replace("_", " "), _text(f.value or _UNTOLD), _text(f.evidence))
    return table


def _counts(found: Inspection) -> Table:
    table = Table("count", box=SIMPLE)
    table.add_column("", justify="right")
    share = found.rule.share4
    counts = {"weights": len(found.weights), **counts_of(found.tally), "other tensors": found.others}
    for name, n in counts.items():
        table.add_row(name.replace("_", " "), f"{n:,}")
    table.add_row("share of blocks at 4", _UNTOLD if share is None else f"{share:.2%}")
    for byte, n in zero_block_bytes(found.tally).items():
        table.add_row(f"zero blocks with scale byte {byte}", f"{n:,}")
    return table


def _dialects(found: Inspection) -> Table:
    table = Table("presets", box=SIMPLE, title="the original quantized anew", title_justify="left")
    for title in ("equal blocks", "of", "share"):
        table.add_column(title, justify="right", no_wrap=True)
    for c in found.shown:
        dropped = " (dropped)" if c.dropped else ""
        table.add_row(_text(", ".join(c.names)), f"{c.equal:,}", f"{c.blocks:,}{dropped}", f"{c.share:.4%}")
    return table


def _notes(found: Inspection) -> list[str]:
    """Return what else has to be known."""
    notes = [f"not read: {name}: {why}" for name, why in found.unread.items()]
    notes += [f"not compared: {name}: {why}" for name, why in found.not_compared.items()]
    notes += [f"tensor scale of no amax in the original: {name}" for name in found.derived]
    if isinstance(found.manifest, str):
        notes.append(f"manifest not usable: {found.manifest}")
    elif found.manifest is not None:
        said = {
            None: "not tried: --against ORIGINAL does",
            True: "the bytes are its",
            False: "the bytes are NOT its",
        }
        notes.append(f"manifest: recipe {found.manifest.recipe.name}: {said[found.manifest_holds]}")
    return notes


def _text(text: str) -> Text:
    """Return text that may hold names from a file: no markup, no control characters."""
    return Text(text if text.isprintable() else repr(text))
