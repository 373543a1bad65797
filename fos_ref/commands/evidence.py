"""`fos evidence`: what each preset was compared with, where, and with what result."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, TYPE_CHECKING

import typer

from fos_ref.commands.options import AsJson
from fos_ref.commands.output import say_json

if TYPE_CHECKING:
    from rich.table import Table

    from fos_ref.dialects.evidence import Known, Status
    from fos_ref.publish.targets import Targets

_COLUMNS = ("codes", "block_scales", "picked4")


def evidence(
    source: Annotated[
        Path, typer.Option("--from", metavar="FILE", help="What the peers' suite wrote.")
    ] = Path("reports/evidence-peers.json"),
    write: Annotated[
        Path | None, typer.Option(metavar="FILE.md", help="Write the page instead, e.g. docs/status.md.")
    ] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """List what each preset was compared with, on how many blocks, and how many bytes differ.

    Exit 1 where a preset claims more than the comparisons show.
    """
    from fos_ref.dialects.evidence import read_status

    targets = None if write is None else _targets(write, source)
    status = read_status(source)
    if targets is not None:
        _write(status, targets)
    if as_json:
        say_json(asdict(status))
    elif write is None:
        _show(status)
    if status.problems:
        raise typer.Exit(code=1)


def _targets(page: Path, source: Path) -> Targets:
    """Return where the page goes, if it can go there."""
    from fos_ref.publish.publication import check_targets
    from fos_ref.publish.targets import one_file

    targets = one_file(page, inputs=[source])
    check_targets(targets)
    return targets


def _write(status: Status, targets: Targets) -> None:
    """Write the page whole or not at all."""
    from fos_ref.publish.publication import write_all
    from fos_ref.report.status import status_markdown

    write_all(targets, {name: status_markdown(status) for name in targets.names})


def _show(status: Status) -> None:
    from fos_ref.dialects.evidence import CLASSES
    from fos_ref.report.console import output, plain

    console = output()
    console.print(_table(status), "")
    console.print(
        "codes, scales, choices: bytes that differ; inputs, dtypes: how many kinds", highlight=False
    )
    for name, meaning in CLASSES.items():
        n = sum(k.evidence == name for k in status.presets)
        console.print(f"{name}: {n} presets, {meaning}", highlight=False)
    for peer, why in status.not_run.items():
        console.print(plain(f"not run: {peer}: {why}"))
    for problem in status.problems:
        console.print(plain(f"problem: {problem}"))


def _table(status: Status) -> Table:
    from fos_ref.report.console import table

    made = table(
        ("preset", "class", "compared with"), ("blocks", "codes", "scales", "choices", "inputs", "dtypes")
    )
    for k in status.presets:
        made.add_row(k.preset, k.evidence, *_cells(k))
    return made


def _cells(k: Known) -> list[str]:
    c = k.comparison
    if c is None:
        return ["-"] * 7
    differing = [c.differing_bytes.get(name) for name in _COLUMNS]
    return [
        f"{c.peer} {c.version[:12]}",
        f"{c.blocks:,}",
        *("-" if n is None else f"{n:,}" for n in differing),
        str(len(c.families)),
        str(len(c.dtypes)),
    ]
