"""What the detector says: the pairs, how far they reach, and of what kind they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from fos_ref.attention.detector.changes import Moves, Seen
from fos_ref.formats.arrays import Bool

_LARGE = 0.5  #: of an output: a new block scale moves more, another choice of one less
_PERIODS = (8, 16, 32, 64, 128, 256)
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "block-scale": "a block scale is made of tokens to come",
        "tensor-amax": "an amax over all tokens",
        "mean": "a sum over tokens to come: a mean, a rotation, a mask that is missing",
        "choice": "a choice within a block is made of tokens to come",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeakReport:
    """What `leaks` found. It is true if something leaks."""

    leaks: bool
    pairs: int  #: pairs (i, j), i < j, with an output i that depends on token j of a tensor
    reach: int  #: the largest j - i of them; 0 for none
    kind: str | None  #: "block-scale" | "tensor-amax" | "mean" | "choice" | None
    kinds: Mapping[str, str | None]  #: the same of each tensor alone
    period: int | None  #: tokens in a block where every pair lies in one; None else
    by_tensor: Mapping[str, Bool]  #: q, k, v or x -> (T, T): True at (i, j) where output i depends on token j
    largest: float  #: the largest change of an output row, over its magnitude
    bit: int | None  #: the highest bit of an output that changed, 0 for the last; None for none
    width: int | None  #: bits of an output
    worst: tuple[str, int, int] | None  #: (tensor, i, j) with the largest change
    bits: float | None  #: log2 of the values that output i took while token j swept; None where not asked
    writes: tuple[str, ...]  #: the arguments that f changes in place: no leak, but what follows sees it

    def __bool__(self) -> bool:
        """Return `leaks`."""
        return self.leaks

    def __str__(self) -> str:
        return f"{self._found()}{self._capacity()}{self._writes()}"

    def _found(self) -> str:
        if not self.leaks:
            return "no leak: no output depends on a later token"
        each = ", ".join(
            f"{name} {int(m.sum()):,}" + (f" by {kind}" if kind not in (None, self.kind) else "")
            for (name, m), kind in zip(self.by_tensor.items(), self.kinds.values(), strict=True)
        )
        blocks = f", in blocks of {self.period}" if self.period else ""
        return (
            f"leak by {self.kind}: {self.pairs:,} pairs ({each}), reach {self.reach}{blocks}, "
            f"up to {self.largest:.2g} of an output, bit {self.bit} of {self.width}"
        )

    def _capacity(self) -> str:
        if self.bits is None or self.worst is None:
            return ""
        name, i, j = self.worst
        return f"\noutput {i} takes {2**self.bits:.0f} values ({self.bits:.1f} bits) of token {j} of {name}"

    def _writes(self) -> str:
        return f"\nf changes {', '.join(self.writes)} in place" if self.writes else ""

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON holds; pairs of each tensor as counts."""
        return {
            "leaks": self.leaks,
            "kind": self.kind,
            "kinds": dict(self.kinds),
            "pairs": self.pairs,
            "pairs_by_tensor": {n: int(m.sum()) for n, m in self.by_tensor.items()},
            "reach": self.reach,
            "period": self.period,
            "largest": self.largest,
            "bit": self.bit,
            "width": self.width,
            "worst": None if self.worst is None else list(self.worst),
            "bits": self.bits,
            "writes": list(self.writes),
        }


def report(seen: Seen, writes: tuple[str, ...]) -> LeakReport:
    """Return the report of what was seen."""
    each = seen.moves
    pairs = np.logical_or.reduce([m.pairs for m in each.values()])
    rows, columns = np.nonzero(pairs)
    found = bool(len(rows))
    together = Moves(pairs, any(m.odd for m in each.values()), seen.largest)
    return LeakReport(
        leaks=found,
        pairs=len(rows),
        reach=int(np.max(columns - rows, initial=0)),
        kind=_kind(together),
        kinds=MappingProxyType({name: _kind(m) for name, m in each.items()}),
        period=_period(pairs),
        by_tensor=MappingProxyType({name: m.pairs for name, m in each.items()}),
        largest=seen.largest,
        bit=seen.bit if found else None,
        width=seen.width if found else None,
        worst=seen.worst,
        bits=None,
        writes=writes,
    )


def _period(pairs: Bool) -> int | None:
    """Return the smallest block in which every pair lies; None where they reach across all of them."""
    i, j = np.nonzero(pairs)
    inside = [p for p in _PERIODS if p < len(pairs) and np.array_equal(i // p, j // p)]
    return inside[0] if len(i) and inside else None


def _kind(moves: Moves) -> str | None:
    if not moves.pairs.any():
        return None
    if moves.odd:
        return "mean"
    if _period(moves.pairs) is None:
        return "tensor-amax"
    return "block-scale" if moves.largest > _LARGE else "choice"
