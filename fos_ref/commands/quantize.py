"""`fos quantize`: a safetensors checkpoint in, an NVFP4 checkpoint out."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from fos_ref.engines.convert import Conversion, Outcome, quantize_checkpoint
from fos_ref.formats.bits import f32_hex
from fos_ref.storage.select import Selection

_SHOWN_NAMES = 3
_MEBI = 1 << 20
_PIPED_WIDTH = 120
_SIGNALLED = 128  #: exit code of a command that signal n ends: 128 + n


def quantize(  # noqa: PLR0917 -- typer reads the parameters
    source: Annotated[Path, typer.Argument(metavar="IN.safetensors", help="The checkpoint to read.")],
    target: Annotated[Path, typer.Argument(metavar="OUT.safetensors", help="The checkpoint to write.")],
    recipe: Annotated[str, typer.Option(help="A preset; `fos recipes` lists them.")] = "4over6",
    convention: Annotated[str, typer.Option(help="modelopt or compressed-tensors.")] = "modelopt",
    include: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Quantize these names only; sets the default exclusions aside."),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Copy these names unchanged, besides the default ones."),
    ] = None,
    engine: Annotated[str, typer.Option(help="auto, numpy, numba or cuda: the bits are the same.")] = "auto",
    force: Annotated[bool, typer.Option("--force", help="Replace OUT if it exists.")] = False,  # noqa: FBT002 -- a switch
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,  # noqa: FBT002
) -> None:
    """Quantize the weights of a safetensors checkpoint to NVFP4.

    Weights are the 2-D floating-point tensors whose name ends in .weight
    and whose last axis is a multiple of 16 (rows too for 16x16 recipes).
    Embeddings, output heads and expert routers are left alone unless
    --include names them. Everything else is copied unchanged and listed
    with the reason.
    """
    selection = Selection(tuple(include or ()), tuple(exclude or ()))
    start = time.perf_counter()
    with _stopping_cleanly(), _progress() as bar:
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
        typer.echo(json.dumps(_document(source, target, done, seconds), indent=2))
    else:
        console = Console()
        _show(console if console.is_terminal else Console(width=_PIPED_WIDTH), target, done, seconds)


def say_compiling(console: Console) -> None:
    """Say on a terminal why nothing moves."""
    if console.is_terminal:
        console.print("Compiling the fast engine: some 20 seconds, once on this machine.")


@contextlib.contextmanager
def _stopping_cleanly() -> Iterator[None]:
    """Let a termination signal end the command as an exception does, so that the unfinished file goes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(_SIGNALLED + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _progress() -> Progress:
    """Return a bar on the error stream: drawn on a terminal, silent when piped."""
    console = Console(stderr=True)
    columns = (
        TextColumn("quantizing"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _document(source: Path, target: Path, done: Conversion, seconds: float) -> dict[str, Any]:
    """Return what --json prints."""
    return {
        "input": str(source),
        "output": str(target),
        "recipe": done.recipe.name,
        "recipe_fingerprint": done.recipe.fingerprint(),
        "convention": done.convention.name,
        "engine": done.engine,
        "seconds": round(seconds, 3),
        "bytes_in": sum(o.bytes_in for o in done.outcomes),
        "bytes_out": sum(o.bytes_out for o in done.outcomes),
        "quantized": [_quantized(o) for o in done.outcomes if o.left is None],
        "copied": [{**_common(o), "reason": o.left} for o in done.outcomes if o.left is not None],
        "quantization_config": done.config,
    }


def _common(o: Outcome) -> dict[str, Any]:
    return {
        "name": o.name,
        "dtype": o.dtype,
        "shape": list(o.shape),
        "bytes_in": o.bytes_in,
        "bytes_out": o.bytes_out,
    }


def _quantized(o: Outcome) -> dict[str, Any]:
    assert o.amax is not None
    return {
        **_common(o),
        "amax": float(o.amax),
        "amax_bits": f32_hex(o.amax),
        "picked4_share": o.picked4_share,
    }


def _show(console: Console, target: Path, done: Conversion, seconds: float) -> None:
    """Print what was quantized, tensor by tensor, and what was copied, reason by reason."""
    console.print(_quantized_table(done))
    if any(o.left for o in done.outcomes):
        console.print(_copied_table(done))
    before, after = (sum(getattr(o, k) for o in done.outcomes) for k in ("bytes_in", "bytes_out"))
    count = sum(o.left is None for o in done.outcomes)
    summary = (
        f"{target}: {count} of {len(done.outcomes)} tensors quantized by {done.recipe.name}, "
        f"{done.convention.name} convention, {done.engine} engine: "
        f"{before / _MEBI:.1f} -> {after / _MEBI:.1f} MiB in {seconds:.1f} s"
    )
    console.print(Text(summary))


def _quantized_table(done: Conversion) -> Table:
    table = Table(box=SIMPLE, title="quantized", title_justify="left")
    table.add_column("tensor", overflow="fold")
    for title in ("dtype", "shape", "tensor amax", "to 4"):
        table.add_column(title, justify="right", no_wrap=True)
    for o in done.outcomes:
        if o.left is None:
            size = " x ".join(map(str, o.shape))
            table.add_row(_text(o.name), o.dtype, size, f"{o.amax:.6g}", f"{o.picked4_share:.2%}")
    return table


def _copied_table(done: Conversion) -> Table:
    table = Table("reason", box=SIMPLE, title="copied unchanged", title_justify="left")
    for title in ("tensors", "MiB"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("names", overflow="fold")
    reasons: dict[str, list[Outcome]] = {}
    for o in done.outcomes:
        if o.left is not None:
            reasons.setdefault(o.left, []).append(o)
    for why, group in reasons.items():
        names = ", ".join(o.name for o in group[:_SHOWN_NAMES]) + (
            ", ..." if len(group) > _SHOWN_NAMES else ""
        )
        size = sum(o.bytes_in for o in group) / _MEBI
        table.add_row(_text(why), str(len(group)), f"{size:.2f}", _text(names))
    return table


def _text(name: str) -> Text:
    """Return a name from a file for display: no markup, no control characters."""
    return Text(name if name.isprintable() else repr(name))
