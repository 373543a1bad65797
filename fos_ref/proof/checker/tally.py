"""How often a flag was named: cases, families, and a word on the misses."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

LEAST_FIRST = 95  #: percent of the cases of each flag
LEAST_FAMILIES = 5  #: of input, in which each flag shows
LEAST_CASES = 20  #: of each flag
_MISSES_SHOWN = 12


@dataclass(slots=True)
class Tally:
    """Cases, those named right, and a word on those that were not."""

    cases: int = 0
    named: int = 0
    alike: int = 0  #: not first, but listed as giving the same bytes on the whole input
    undecidable: int = 0  #: a mistake of another flag gives the same bytes: no case, nobody could tell
    families: Counter[str] = field(default_factory=Counter)
    misses: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Add other cases."""
        self.cases += other.cases
        self.named += other.named
        self.alike += other.alike
        self.undecidable += other.undecidable
        self.families += other.families
        self.misses += other.misses

    def figures(self) -> dict[str, Any]:
        """Return whole numbers and text."""
        return {
            "cases": self.cases,
            "families": len(self.families),
            "named": self.named,
            "share": f"{100 * self.named / self.cases:.2f} %" if self.cases else "none",
            "same_bytes": self.alike,
            "undecidable": self.undecidable,
            "shown in": ", ".join(f"{f} {n}" for f, n in sorted(self.families.items())),
            "misses": self.misses[:_MISSES_SHOWN],
        }

    @property
    def too_few(self) -> bool:
        """Whether a flag shows in too few cases or families, or is not named first often enough."""
        few = self.cases < LEAST_CASES or len(self.families) < LEAST_FAMILIES
        return few or 100 * self.named < LEAST_FIRST * self.cases
