"""`fos prove`: try to refute the package's claims by enumeration and by exact arithmetic."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from fos_ref.errors import BitMismatch, InputError
from fos_ref.proof.result import document, Finding, Proof


def prove(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Which proofs; none: all of them.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write DIR/proof-NAME.json.")] = None,
    against: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Exit 1 unless DIR/proof-NAME.json has the same figures."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=0, help="Worker processes; 0: one per core.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document per line.")] = False,  # noqa: FBT002
) -> None:
    """Run the long proofs: every bit pattern, every product, exact rationals. Exit 1 where one fails."""
    from fos_ref.proof.catalog import PROOFS  # noqa: PLC0415 -- brings the fast engine's compiler

    unknown = [n for n in names or () if n not in PROOFS]
    if unknown:
        msg = f"proof {unknown[0]!r}: one of {', '.join(PROOFS)} is allowed"
        raise InputError(msg)
    failed = []
    for proof in [PROOFS[n] for n in names or PROOFS]:
        found, seconds = _run(proof, jobs or os.cpu_count() or 1)
        data = document(proof, found, seconds)
        problems = _problems(proof, found, against)
        _show(data, problems, as_json=as_json)
        if out is not None and not found.unexplained:
            _write(out, proof, data)
        failed += problems
    if failed:
        raise BitMismatch(failed[0])


def _run(proof: Proof, jobs: int) -> tuple[Finding, float]:
    """Run one proof with a bar on a terminal and silence in a pipe; return (finding, seconds)."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(proof.name, total=None)
        start = time.perf_counter()
        found = proof.run(lambda done, total: bar.update(task, completed=done, total=total), jobs)
        return found, time.perf_counter() - start


def _problems(proof: Proof, found: Finding, against: Path | None) -> list[str]:
    problems = []
    if found.unexplained:
        problems.append(f"{proof.name}: {found.unexplained:,} differences that no rule explains")
    if against is not None:
        problems += _other_figures(proof, found, against / f"proof-{proof.name}.json")
    return problems


def _other_figures(proof: Proof, found: Finding, path: Path) -> list[str]:
    """Return what differs from a committed finding; a part that was not run here is not held against it."""
    known = json.loads(path.read_bytes())
    mine = {"compared": found.compared, **found.figures}
    theirs = {"compared": known["compared"], **known["figures"]}
    skipped = set(found.not_run)
    same = json.loads(json.dumps(mine))
    different = [k for k in same if k not in skipped and (skipped == set() or k != "compared")]
    return [
        f"{proof.name}: {k} is {same[k]!r} here and {theirs.get(k)!r} in {path}"
        for k in different
        if same[k] != theirs.get(k)
    ]


def _show(data: dict[str, Any], problems: list[str], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(data))
        return
    verdict = "FAILED" if problems else "holds"
    typer.echo(f"{data['name']}: {verdict}. {data['claim']}")
    typer.echo(
        f"  {data['compared']:,} compared, {data['unexplained']:,} unexplained, {data['ran_on']['seconds']} s"
    )
    for part, why in data["not_run"].items():
        typer.echo(f"  not run: {part}: {why}")
    for problem in problems:
        typer.echo(f"  {problem}")


def _write(out: Path, proof: Proof, data: dict[str, Any]) -> None:
    """Write the finding whole or not at all."""
    from fos_ref.report.files import check_folder, write_all  # noqa: PLC0415 -- not needed to print

    check_folder(out)
    write_all(out, {f"proof-{proof.name}.json": (json.dumps(data, indent=1) + "\n").encode()})
