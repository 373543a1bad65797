"""`fos golden`: write the vectors, check their form, or verify that an engine gives every bit of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, TYPE_CHECKING

import typer

from fos_ref.commands.golden_export import export, Folder, Source
from fos_ref.commands.help import Command, Group
from fos_ref.commands.options import AsJson, ENGINES, one_of, whole
from fos_ref.commands.output import say, say_json
from fos_ref.errors import BitMismatch
from fos_ref.errors.text import printable

if TYPE_CHECKING:
    from fos_ref.vectors.distinguishing.check import Failure
    from fos_ref.vectors.folder import Say
    from fos_ref.vectors.verify import Checked

golden = typer.Typer(
    name="golden",
    cls=Group,
    rich_markup_mode=None,
    help="Write, export or verify the golden vectors.",
)

_SHOWN = 10
#: As fos_ref.vectors has them; a test holds them to it.
STEPS, CHAIN_STEPS = 10_000, 10
EXACT_ENGINES = ("numpy", "numba", "cuda", "host")


@golden.command(cls=Command, short_help="Make every vector and write the folder.")
def write(folder: Folder = Path("golden")) -> None:
    """Make every vector and write the folder; README.md and the chains are kept as they are.

    The same code writes the same bytes. A file of a frozen version that would change is refused. Vectors of
    axis values that lie there are computed again, others are searched: two minutes, in a new folder five.
    """
    from fos_ref.publish.publication import check_targets, write_all
    from fos_ref.publish.targets import Targets
    from fos_ref.vectors.folder import completed, generated, names
    from fos_ref.vectors.manifest import MANIFEST, read_manifest
    from fos_ref.vectors.on_disk import read_kept

    targets = Targets(folder, names())
    check_targets(targets)
    there = read_kept(folder)
    with _progress() as tell:
        files = completed(generated(tell, there), there)
    write_all(targets, files)
    entries = read_manifest(files[MANIFEST])["files"]
    say(f"{folder}: {len(entries) + 1} files, {sum(e['vectors'] for e in entries.values())} vectors")


@golden.command(cls=Command, short_help="Compute every chain and write the files of chains.")
def chain(
    folder: Folder = Path("golden"),
    engine: Annotated[str, one_of(EXACT_ENGINES, "Who computes it.")] = "numba",
    only: Annotated[str, typer.Option(metavar="PATTERN", help="Files to write, as v1/chains-3.json.")] = "*",
) -> None:
    """Compute every chain, 10^8 blocks each in v1/chains.json: minutes. Run `write` after it."""
    from fnmatch import fnmatchcase

    from fos_ref.errors import InputError
    from fos_ref.foreign import shown
    from fos_ref.publish.publication import check_targets, write_all
    from fos_ref.publish.targets import Targets
    from fos_ref.vectors.canonical import canonical
    from fos_ref.vectors.chain import document as chains
    from fos_ref.vectors.chain import FILES
    from fos_ref.vectors.manifest import check_frozen

    chosen = [name for name in FILES if fnmatchcase(name, only)]
    if not chosen:
        msg = f"no file of chains is called {shown(only)}: one of {', '.join(FILES)} is allowed"
        raise InputError(msg)
    targets = Targets(folder, chosen)
    check_targets(targets)
    with _progress() as tell:
        found = {name: canonical(chains(engine, name, done=tell)) for name in chosen}
    check_frozen(_frozen_list(folder), found)
    write_all(targets, found)
    say(f"{folder}: {', '.join(found)} written; `fos golden write` puts it into the manifest")


def _frozen_list(folder: Path) -> bytes:
    from fos_ref.vectors.manifest import FROZEN
    from fos_ref.vectors.on_disk import read_named

    return read_named(folder, (FROZEN,)).get(FROZEN, b"")


@golden.command(cls=Command, short_help="Check the form of every file.")
def lint(folder: Source = None, as_json: AsJson = False) -> None:  # noqa: FBT002
    """Check form, names, digests and flags of every file of the folder. Exit 1 where something is wrong."""
    from fos_ref.vectors.lint import lint as find_problems
    from fos_ref.vectors.on_disk import strangers
    from fos_ref.vectors.packaged import named_or_packaged

    folder, files = named_or_packaged(folder)
    found = find_problems(files, strangers(folder, files))
    if as_json:
        say_json({"clean": not found, "files": len(files), "problems": found})
        raise typer.Exit(code=1 if found else 0)
    if found:
        raise BitMismatch(_first(f"{folder}: {len(found)} problems", [f"  {p}" for p in found]))
    size = sum(map(len, files.values()))
    say(f"{folder}: {len(files)} files, {size / 1e6:.1f} MB: nothing wrong")


@golden.command(cls=Command, short_help="Check that an engine gives every committed bit.")
def verify(
    folder: Source = None,
    engine: Annotated[str, one_of((*ENGINES, "host"), "Whose bits to check.")] = "numpy",
    only: Annotated[str, typer.Option(metavar="PATTERN", help="Files to check, as v1/4over6/*.")] = "*",
    steps: Annotated[int, whole(f"Steps of each chain, {STEPS:,} at most.", highest=STEPS)] = CHAIN_STEPS,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Check that an engine gives every committed bit; numpy also every intermediate. Exit 1 if not."""
    from fos_ref.vectors.packaged import named_or_packaged
    from fos_ref.vectors.verify import verify as verify_files

    folder, files = named_or_packaged(folder)
    with _progress() as tell:
        found = verify_files(files, engine, only=only, steps=steps, progress=tell)
    if as_json:
        document = asdict(found) | {"equal": not found.failures}
        say_json(document)
        raise typer.Exit(code=1 if found.failures else 0)
    if found.failures:
        raise BitMismatch(_dossier(found))
    say(f"{folder}: {found.vectors} vectors, engine {engine}: every bit as committed{_left(found)}")


def _left(found: Checked) -> str:
    """Return what the engine could not run, in words."""
    if not found.not_run:
        return ""
    return f"; not run: {', '.join(sorted(found.not_run))} ({next(iter(found.not_run.values()))})"


def _dossier(found: Checked) -> str:
    """Return the first differences, one a line."""
    head = f"{found.vectors} vectors, engine {found.engine}: {len(found.failures)} differences"
    return _first(head, [*map(_line, found.failures)])


def _first(head: str, rest: list[str]) -> str:
    more = [f"  and {len(rest) - _SHOWN:,} more; --json lists all"] if len(rest) > _SHOWN else []
    return "\n".join(printable(one) for one in [head, *rest[:_SHOWN], *more])


def _line(f: Failure) -> str:
    side = f", side {f.side}" if f.side >= 0 else ""
    return f"  {f.vector}{side}: {f.what} is {f.got}, committed is {f.want}"


@contextmanager
def _progress() -> Iterator[Say]:
    """Show what is under way on the error stream of a terminal; nothing when piped."""
    from fos_ref.report.console import errors, plain

    console = errors()
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("starting") as status:
        yield lambda what: status.update(plain(what))


golden.command(cls=Command, short_help="Write the vectors for other languages.")(export)

__all__ = ["golden"]
