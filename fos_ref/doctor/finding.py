"""One finding: what was looked at, its state, and what to install or change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fos_ref.errors.text import line
from fos_ref.foreign import said

#: What a finding may be.
STATES = {
    "works": "it is here, and where that takes no time it was run",
    "later": "it is here and is made ready when it is first used",
    "other": "it is here in another version than the one that the presets were compared with",
    "missing": "it is not here; `install` says how to get it",
    "broken": "it is here and does not run; `says` has its error",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that this installation has or has not.

    group:   "engine", "tool", "cache", "extra" or "peer"
    name:    its name: "numba", "g++", "report", "torchao"
    state:   one of STATES
    says:    one line: a version, a folder, or what is wrong
    install: what helps where the state is "missing" or "broken"; "" otherwise
    """

    group: str
    name: str
    state: str
    says: str = ""
    install: str = ""

    def __post_init__(self) -> None:
        """Keep what others say to one line of printable characters."""
        object.__setattr__(self, "says", line(self.says))


def found(group: str, name: str, look: Callable[[], Finding], helps: str) -> Finding:
    """Return what `look` finds; a finding of state "broken" for whatever it raises: a doctor never fails."""
    try:
        return look()
    except Exception as e:  # noqa: BLE001 -- libraries that do not load raise anything
        return Finding(group, name, "broken", said(e), helps)
