"""Where another implementation may differ: on stated magnitudes, with stated codes, and nowhere else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fos_ref.fast.sweep import classified
from fos_ref.formats.arrays import AnyArray, I64, U32
from fos_ref.proof.result import Finding
from fos_ref.proof.sweeps.pool import Tally

PATTERNS, DIFFERING, UNEXPLAINED = "patterns", "differing", "unexplained"
_INF = 0x7F800000
_ALL_ONES = 0x7FFFFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """On the magnitudes from `first` to `last` (float32 patterns) the other side may give this code."""

    name: str
    first: int
    last: int
    positive: int  #: its code for a clear sign bit
    negative: int  #: its code for a set one


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One implementation beside the one that a sweep holds all others against."""

    name: str  #: of its figures
    rules: tuple[Rule, ...] = ()
    needs_header: bool = False


def nan_is(positive: int, negative: int, name: str = "NaN has another code") -> Rule:
    """Return the rule that NaN becomes these codes, by its sign bit."""
    return Rule(name=name, first=_INF + 1, last=_ALL_ONES, positive=positive, negative=negative)


#: E4M3 without saturation: what would round to 480 has no code. 464, half way, rounds to the even 448.
ABOVE_464_IS_NAN = Rule(name="above 464 is NaN", first=0x43E80001, last=_INF, positive=0x7F, negative=0xFF)


def compare(side: Side, bits: U32, ours: AnyArray, theirs: AnyArray) -> Tally:
    """Return the counts of one side: patterns, differing, each rule's, unexplained.

    Shapes: (n,) each; `bits` are the float32 patterns that were encoded.
    """
    assert ours.shape == theirs.shape == bits.shape
    counts = np.zeros(len(side.rules) + 1, dtype=np.int64)
    if not np.array_equal(ours, theirs):
        classified(bits, ours.astype(np.uint32), theirs.astype(np.uint32), _table(side.rules), counts)
    names = (*(rule.name for rule in side.rules), UNEXPLAINED)
    tally: Tally = Counter({(side.name, n): int(c) for n, c in zip(names, counts, strict=True)})
    tally[side.name, PATTERNS] = bits.size
    tally[side.name, DIFFERING] = int(counts.sum())
    return tally


def _table(rules: Sequence[Rule]) -> I64:
    rows = [(r.first, r.last, r.positive, r.negative) for r in rules]
    return np.array(rows, dtype=np.int64).reshape(-1, 4)


def finding(tally: Tally, sides: Sequence[Side], no_header: str | None) -> Finding:
    """Return the finding of all sides; those that need the header are not run where it is missing."""
    missing = {s.name: no_header for s in sides if s.needs_header and no_header is not None}
    figures = {s.name: _figures(tally, s) for s in sides if s.name not in missing}
    return Finding(
        compared=sum(f[PATTERNS] for f in figures.values()),
        unexplained=sum(f[UNEXPLAINED] for f in figures.values()),
        figures=figures,
        not_run=missing,
    )


def _figures(tally: Tally, side: Side) -> dict[str, Any]:
    names = (PATTERNS, DIFFERING, *(rule.name for rule in side.rules), UNEXPLAINED)
    return {name: tally[side.name, name] for name in names}
