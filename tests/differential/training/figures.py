"""What the runs of this folder compared, as rows of the evidence beside those of the peers' suite.

A preset whose program a package has is left to that suite. The programs here are checkouts, so their presets
stay `read`. What stands in for the chip in Triton's interpreter is said in the program's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import fos_ref
from tests.differential.evidence import Evidence, Figures


@dataclass(frozen=True)
class Ran:
    """A program of a checkout, as Figures wants a peer."""

    name: str
    version: str
    in_ci: bool = False
    releases: Mapping[str, Any] = field(default_factory=dict)
    libraries: Mapping[str, Any] = field(default_factory=dict)


def note(evidence: Evidence, preset: str, ran: Ran, compared: tuple[int, str, str], **counts: int) -> None:
    """Add a comparison of so many values of a family and dtype, and how many bytes of each part differ."""
    recipe = fos_ref.recipe(preset)
    if recipe.evidence != "read":
        return
    size, family, dtype = compared
    figures = evidence.figures.setdefault(recipe.name, Figures(recipe, ran))
    assert figures.peer.version == ran.version, "one program for a preset"
    figures.add(SimpleNamespace(x=SimpleNamespace(size=size), family=family, dtype=dtype), counts)
