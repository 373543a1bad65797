"""`fos golden`: write the vectors, check their form, or verify that an engine gives every bit of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fos_ref.commands.golden_export import export
from fos_ref.errors import BitMismatch
from fos_ref.report.files import write_all
from fos_ref.vectors.canonical import canonical
from fos_ref.vectors.chain import document as chains
from fos_ref.vectors.chain import NAME as CHAINS
from fos_ref.vectors.chain import STEPS
from fos_ref.vectors.distinguishing.check import Failure
from fos_ref.vectors.folder import by_folder, completed, generated, read_all, read_written, Say
from fos_ref.vectors.lint import lint as find_problems
from fos_ref.vectors.manifest import check_frozen, FROZEN, MANIFEST, read_manifest
from fos_ref.vectors.verify import CHAIN_STEPS, Checked
from fos_ref.vectors.verify import verify as verify_files

golden = typer.Typer(
    name="golden", no_args_is_help=True, help="Golden vectors: write them, or verify an engine against them."
)
golden.command()(export)

_SHOWN = 10
Folder = Annotated[Path, typer.Option("--dir", metavar="DIR", help="The golden folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@golden.command()
def write(folder: Folder = Path("golden")) -> None:
    """Make every vector and write the folder; README.md and v1/chains.json are kept as they are.

    The same code writes the same bytes. A file of a frozen version that would change is refused. Takes about
    a minute.
    """
    there = read_all(folder)
    with _progress() as say:
        files = completed(generated(say), there)
    for part, documents in by_folder(files).items():
        (folder / part).mkdir(parents=True, exist_ok=True)
        write_all(folder / part, documents)
    entries = read_manifest(files[MANIFEST])["files"]
    typer.echo(f"{folder}: {len(entries) + 1} files, {sum(e['vectors'] for e in entries.values())} vectors")


@golden.command()
def chain(
    folder: Folder = Path("golden"),
    engine: Annotated[str, typer.Option(help="numpy, numba, cuda or host.")] = "numba",
) -> None:
    """Compute every chain, 10^8 blocks each, and write v1/chains.json: minutes. Run `write` after it."""
    with _progress() as say:
        data = canonical(chains(engine, done=say))
    check_frozen(_frozen_list(folder), {CHAINS: data})
    path = folder / CHAINS
    path.parent.mkdir(parents=True, exist_ok=True)
    write_all(path.parent, {path.name: data})
    typer.echo(f"{path}: written; `fos golden write` puts it into the manifest")


def _frozen_list(folder: Path) -> bytes:
    path = folder / FROZEN
    return path.read_bytes() if path.exists() else b""


@golden.command()
def lint(folder: Folder = Path("golden"), as_json: AsJson = False) -> None:  # noqa: FBT002
    """Check form, names, digests and flags of every file of the folder. Exit 1 where something is wrong."""
    files = read_written(folder)
    found = find_problems(files)
    if as_json:
        typer.echo(json.dumps({"clean": not found, "files": len(files), "problems": found}, indent=2))
        raise typer.Exit(code=1 if found else 0)
    if found:
        raise BitMismatch("\n".join([f"{folder}: {len(found)} problems", *(f"  {p}" for p in found)]))
    size = sum(map(len, files.values()))
    typer.echo(f"{folder}: {len(files)} files, {size / 1e6:.1f} MB: nothing wrong")


@golden.command()
def verify(
    folder: Folder = Path("golden"),
    engine: Annotated[str, typer.Option(help="numpy, numba, cuda, host or auto.")] = "numpy",
    only: Annotated[str, typer.Option(metavar="PATTERN", help="Files to check, as v1/4over6/*.")] = "*",
    steps: Annotated[
        int, typer.Option(min=0, max=STEPS, help="Steps of each chain, of 10,000.")
    ] = CHAIN_STEPS,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Check that an engine gives every committed bit; of numpy every intermediate too. Exit 1 if not."""
    files = read_written(folder)
    with _progress() as say:
        found = verify_files(files, engine, only=only, steps=steps, progress=say)
    if as_json:
        document = asdict(found) | {"equal": not found.failures}
        typer.echo(json.dumps(document, indent=2))
        raise typer.Exit(code=1 if found.failures else 0)
    if found.failures:
        raise BitMismatch(_dossier(found))
    typer.echo(f"{folder}: {found.vectors} vectors, engine {engine}: every bit as committed{_left(found)}")


def _left(found: Checked) -> str:
    """Return what the engine could not run, in words."""
    if not found.not_run:
        return ""
    return f"; not run: {', '.join(sorted(found.not_run))} ({next(iter(found.not_run.values()))})"


def _dossier(found: Checked) -> str:
    """Return the first differences, one a line."""
    failures = found.failures
    more = [f"  and {len(failures) - _SHOWN} more; --json lists all"] if len(failures) > _SHOWN else []
    head = f"{found.vectors} vectors, engine {found.engine}: {len(failures)} differences"
    return "\n".join([head, *map(_line, failures[:_SHOWN]), *more])


def _line(f: Failure) -> str:
    side = f", side {f.side}" if f.side >= 0 else ""
    return f"  {f.vector}{side}: {f.what} is {f.got}, committed is {f.want}"


@contextmanager
def _progress() -> Iterator[Say]:
    """Show what is under way on the error stream of a terminal; nothing when piped."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("starting") as status:
        yield status.update


__all__ = ["golden"]
