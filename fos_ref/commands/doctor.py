"""`fos doctor`: what this installation can do, on one screen, and what to install for more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fos_ref.commands.options import AsJson
from fos_ref.commands.output import say_json

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fos_ref.doctor import Examination, Finding

_BESIDE = ("works", "other")  #: states that are listed by name and version, on one line


def doctor(
    *,
    as_json: AsJson = False,
) -> None:
    """Say what this installation can do, and what to install for more: engines, tools, caches, packages.

    Every engine that need not be compiled first is run on the worked block and held to its bytes. Exit 0
    whatever is missing.
    """
    from fos_ref.doctor import examine

    found = examine()
    if as_json:
        say_json(found.to_dict())
        return
    from fos_ref.report.console import apart, output

    output().print(
        apart(_heading(found), *(_table(found, g) for g in ("engine", "tool", "cache")), *_lists(found))
    )


def _heading(found: Examination) -> RenderableType:
    from fos_ref.report.console import plain

    m = found.machine
    return plain(f"fos {m['fos']}, Python {m['python']}, {m['system']} {m['machine']}, {m['cores']} cores")


def _table(found: Examination, group: str) -> RenderableType:
    """Return a group, a row for each finding; what helps stands where something is missing."""
    from fos_ref.report.console import plain, table

    made = table((group, "state", ""))
    for f in found.group(group):
        made.add_row(plain(f.name), f.state, plain(_words(f)))
    return made


def _words(f: Finding) -> str:
    """Return what is said of a finding; what helps, unless it is said already."""
    return f"{f.says}: {f.install}" if f.install and f.install not in f.says else f.says


def _lists(found: Examination) -> list[RenderableType]:
    """Return the extras and the peers: those that are here on one line, the others on the next."""
    from fos_ref.report.console import plain, table

    made = table(("package", "", ""))
    extras, peers = found.group("extra"), found.group("peer")
    made.add_row("extras", "here", plain(_joined([f.name for f in extras if f.state in _BESIDE])))
    missing = [f.name for f in extras if f.state not in _BESIDE]
    made.add_row(
        "", "missing", plain(_joined(missing) + (": pip install 'fos-ref[NAME]'" if missing else ""))
    )
    made.add_row("peers", "here", plain(_joined([f"{f.name} {f.says}" for f in peers if f.state in _BESIDE])))
    made.add_row("", "missing", plain(_joined([f.name for f in peers if f.state not in _BESIDE])))
    return [made]


def _joined(names: list[str]) -> str:
    return ", ".join(names) or "none"
