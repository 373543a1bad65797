"""`fos golden`: write the vectors, or verify that an engine gives every bit of them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from fos_ref.errors import BitMismatch
from fos_ref.report.files import write_all
from fos_ref.verify.distinguish import axis_pairs
from fos_ref.verify.golden_check import Failure, failures, MANIFEST, manifest, read, read_mutants, VECTORS
from fos_ref.verify.golden_file import canonical, distinguishing
from fos_ref.verify.mutants import MUTANTS

golden = typer.Typer(
    name="golden", no_args_is_help=True, help="Golden vectors: write them, or verify an engine against them."
)

_SHOWN = 10
Folder = Annotated[Path, typer.Option("--dir", metavar="DIR", help="The golden folder.")]


@golden.command()
def write(folder: Folder = Path("golden")) -> None:
    """Search the distinguishing vectors and write them: one for each pair of an axis's values, and mutant.

    The same code writes the same bytes. Takes about half a minute.
    """
    with _progress() as bar:
        task = bar.add_task("axis pairs and mutants", total=len(list(axis_pairs())) + len(MUTANTS))
        document = distinguishing(lambda: bar.advance(task))
    data = canonical(document)
    count = len(document["vectors"]) + len(document["mutants"])
    path = folder / VECTORS
    path.parent.mkdir(parents=True, exist_ok=True)
    write_all(path.parent, {path.name: data})
    write_all(folder, {MANIFEST: manifest({VECTORS: data}, count)})
    typer.echo(
        f"{path}: {count} vectors, {len(document['mutants'])} of them for mutants, "
        f"{len(document['indistinguishable'])} pairs that nothing tells apart"
    )


@golden.command()
def verify(
    folder: Folder = Path("golden"),
    engine: Annotated[str, typer.Option(help="numpy, numba, cuda or auto.")] = "numpy",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,  # noqa: FBT002
) -> None:
    """Check that an engine gives every committed bit, on all sides of every vector. Exit 1 if not."""
    data, listed = (folder / VECTORS).read_bytes(), (folder / MANIFEST).read_bytes()
    with _progress() as bar:
        task = bar.add_task("vectors", total=len(read(data)) + len(read_mutants(data)))
        count, found = failures(data, listed, engine, lambda: bar.advance(task))
    if as_json:
        document = {
            "equal": not found,
            "engine": engine,
            "vectors": count,
            "failures": [asdict(f) for f in found],
        }
        typer.echo(json.dumps(document, indent=2))
        raise typer.Exit(code=1 if found else 0)
    if found:
        raise BitMismatch(_dossier(found, count))
    typer.echo(f"{folder / VECTORS}: {count} vectors, all sides, engine {engine}: every bit as committed")


def _dossier(found: list[Failure], count: int) -> str:
    """Return the first differences, one a line."""
    more = [f"  and {len(found) - _SHOWN} more; --json lists all"] if len(found) > _SHOWN else []
    head = f"{count} vectors, all sides: {len(found)} differences"
    return "\n".join([head, *map(_line, found[:_SHOWN]), *more])


def _line(f: Failure) -> str:
    side = f", side {f.side}" if f.side >= 0 else ""
    return f"  {f.vector}{side}: {f.what} is {f.got}, committed is {f.want}"


def _progress() -> Progress:
    """Return a bar on the error stream: drawn on a terminal, silent when piped."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


__all__ = ["golden"]
