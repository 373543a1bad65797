"""`fos prove`: try to refute the package's claims by enumeration and by exact arithmetic."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TYPE_CHECKING

import typer

from fos_ref.commands.options import AsJson, whole
from fos_ref.commands.output import say, say_json
from fos_ref.errors import BitMismatch, InputError

if TYPE_CHECKING:
    from fos_ref.proof.result import Finding, Proof
    from fos_ref.publish.targets import Targets


_MOST_JOBS = 4096
#: As fos_ref.proof.catalog has them, for a shell to complete; a test holds them to it.
PROOFS = (
    "products",
    "short-inputs",
    "codes",
    "e8m0",
    "narrowing",
    "scale-path",
    "engine",
    "oracle",
    "corpus",
    "wrong-choice",
    "mutants",
    "vectors",
    "checker",
)


def prove(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME", autocompletion=lambda: list(PROOFS), help="Which proofs. [default: all]"
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write DIR/proof-NAME.json.")] = None,
    against: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Exit 1 unless DIR/proof-NAME.json has the same figures."),
    ] = None,
    jobs: Annotated[int, whole("Worker processes; 0: one per core.", highest=_MOST_JOBS)] = 0,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Run the long proofs: every bit pattern, every product, exact rationals. Exit 1 where one fails."""
    from fos_ref.formats.environment import check_float_environment
    from fos_ref.proof.catalog import PROOFS as CATALOG  # brings the fast engine's compiler
    from fos_ref.proof.known import file_name
    from fos_ref.proof.result import document

    check_float_environment()
    unknown = [n for n in names or () if n not in CATALOG]
    if unknown:
        msg = f"proof {unknown[0]!r}: one of {', '.join(CATALOG)} is allowed"
        raise InputError(msg)

    chosen = [CATALOG[n] for n in names or CATALOG]
    targets = None if out is None else _targets(out, chosen)
    known = {} if against is None else {p.name: _known(against / file_name(p.name)) for p in chosen}
    failed = []
    for proof in chosen:
        found, seconds = _run(proof, jobs or os.cpu_count() or 1)
        data = document(proof, found, seconds)
        problems = _problems(proof, found, known.get(proof.name))
        _show(data, problems, as_json=as_json)
        if targets is not None and not found.unexplained:
            _write(targets, proof, data)
        failed += problems
    if failed:
        raise BitMismatch(failed[0])


def _run(proof: Proof, jobs: int) -> tuple[Finding, float]:
    """Run one proof with a bar on a terminal and silence in a pipe; return (finding, seconds)."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    from fos_ref.report.console import progress

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with progress(*columns) as bar:
        task = bar.add_task(proof.name, total=None)
        start = time.perf_counter()
        found = proof.run(lambda done, total: bar.update(task, completed=done, total=total), jobs)
        return found, time.perf_counter() - start


class _Known(NamedTuple):
    """A finding to hold another against."""

    path: Path
    figures: dict[str, Any]


def _known(path: Path) -> _Known:
    from fos_ref.proof.known import read_known

    found = read_known(path)
    return _Known(path, {"compared": found["compared"], **found["figures"]})


def _problems(proof: Proof, found: Finding, known: _Known | None) -> list[str]:
    problems = []
    if found.unexplained:
        problems.append(f"{proof.name}: {found.unexplained:,} differences that no rule explains")
    if known is not None:
        problems += _other_figures(proof, found, known)
    return problems


def _other_figures(proof: Proof, found: Finding, known: _Known) -> list[str]:
    """Return what differs from a committed finding; a part that was not run here is not held against it."""
    theirs = known.figures
    mine = {"compared": found.compared, **found.figures}
    skipped = set(found.not_run)
    same = json.loads(json.dumps(mine))
    different = [k for k in same if k not in skipped and (skipped == set() or k != "compared")]
    return [
        f"{proof.name}: {k} is {json.dumps(same[k])} here and {json.dumps(theirs.get(k))} in {known.path}"
        for k in different
        if same[k] != theirs.get(k)
    ]


def _show(data: dict[str, Any], problems: list[str], *, as_json: bool) -> None:
    if as_json:
        say_json(data, indent=None)
        return
    verdict = "FAILED" if problems else "holds"
    say(f"{data['name']}: {verdict}. {data['claim']}")
    say(
        f"  {data['compared']:,} compared, {data['unexplained']:,} unexplained, {data['ran_on']['seconds']} s"
    )
    for part, why in data["not_run"].items():
        say(f"  not run: {part}: {why}")
    for problem in problems:
        say(f"  {problem}")


def _targets(out: Path, proofs: Sequence[Proof]) -> Targets:
    """Return where the findings go, if they can go there: a proof takes minutes."""
    from fos_ref.proof.known import file_name
    from fos_ref.publish.publication import check_targets
    from fos_ref.publish.targets import Targets

    targets = Targets(out, [file_name(p.name) for p in proofs])
    check_targets(targets)
    return targets


def _write(targets: Targets, proof: Proof, data: dict[str, Any]) -> None:
    """Write one finding whole or not at all."""
    from fos_ref.proof.known import file_name
    from fos_ref.publish.publication import write_all

    write_all(targets, {file_name(proof.name): (json.dumps(data, indent=1) + "\n").encode()})
