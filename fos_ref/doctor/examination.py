"""All findings together, and the machine that they are of."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from fos_ref.doctor.caches import caches
from fos_ref.doctor.engines import engines
from fos_ref.doctor.finding import Finding
from fos_ref.doctor.packages import packages
from fos_ref.doctor.tools import tools
from fos_ref.version import VERSION


@dataclass(frozen=True, slots=True)
class Examination:
    """What `examine` found.

    machine:  versions and counts by name: "fos", "python", "system", "machine", "cores"
    findings: every `Finding`, group by group
    """

    machine: dict[str, str]
    findings: tuple[Finding, ...]

    def of(self, group: str, name: str) -> Finding:
        """Return one finding. Raises: KeyError where none has this group and name."""
        for f in self.findings:
            if (f.group, f.name) == (group, name):
                return f
        raise KeyError((group, name))

    def group(self, group: str) -> tuple[Finding, ...]:
        """Return the findings of a group, in their order."""
        return tuple(f for f in self.findings if f.group == group)

    def to_dict(self) -> dict[str, Any]:
        """Return what `fos doctor --json` prints: {"machine": {...}, "findings": [{...}, ...]}."""
        return {"machine": dict(self.machine), "findings": [asdict(f) for f in self.findings]}


def examine() -> Examination:
    """Return what this installation can do: engines, tools, caches, extras, peers.

    Nothing is installed or compiled but, where there is a GPU, the kernel of one recipe. An engine that need
    not be compiled is run on the block [10, 20, 30, 40] and held to its bytes.
    Errors: none is raised for what is missing or broken; the finding says so.
    """
    return Examination(_machine(), tuple(_findings()))


def _findings() -> Iterator[Finding]:
    for group in (engines, tools, caches, packages):
        yield from group()


def _machine() -> dict[str, str]:
    return {
        "fos": VERSION,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
    }
