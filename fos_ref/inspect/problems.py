"""What is wrong with a checkpoint: kinds of problems, each naming its weights and saying one sentence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from fos_ref.errors.text import listed


class Kind(Enum):
    """The kinds, the worst first."""

    MISSING_PART = "missing-part"
    ZERO_OR_NAN = "zero-or-nan-scale"
    NOT_FINITE = "not-finite"
    TENSOR_SCALE = "tensor-scale"
    NO_READING = "no-reading"
    BLOCKS_DIFFER = "blocks-differ"
    FUSED_SIBLINGS = "fused-siblings"
    PADDING = "padding"


#: Stands in a sentence before what holds for one weight only.
DETAIL = "\0"


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem."""

    kind: Kind
    weights: tuple[str, ...]
    what: str  #: one sentence, names escaped

    @property
    def problem(self) -> str:
        """Return the name of its kind."""
        return self.kind.value

    def to_dict(self) -> dict[str, Any]:
        """Return the problem as plain JSON values."""
        return {"problem": self.problem, "weights": list(self.weights), "what": self.what}


def joined(found: Iterable[tuple[Kind, str, str]]) -> list[Problem]:
    """Return one problem for all weights of which the same is said: (kind, weight, what is said).

    What follows DETAIL in it is said of the first weight only.
    """
    same: dict[tuple[Kind, str], list[tuple[str, str]]] = {}
    for kind, weight, what in found:
        said, _, detail = what.partition(DETAIL)
        same.setdefault((kind, said), []).append((weight, detail))
    return [_of(kind, said, [w for w, _ in each], each[0][1]) for (kind, said), each in same.items()]


def _of(kind: Kind, said: str, names: list[str], detail: str) -> Problem:
    """Return the problem of some weights; the detail is that of the first."""
    of_first = f" ({some(names[:1])}: {detail})" if len(names) > 1 else f": {detail}"
    return Problem(kind, tuple(names), f"{some(names)}: {said}{of_first if detail else ''}")


def some(names: Iterable[str]) -> str:
    """Return the first of the names, and how many there are besides."""
    return listed([*names])


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return problems, the worst kind first."""
    rank = list(Kind)
    return tuple(sorted(problems, key=lambda p: (rank.index(p.kind), p.weights, p.what)))


def counted(n: int, one: str) -> str:
    """Return a count and its noun: 1 block, 2 blocks."""
    return f"{n:,} {one}" if n == 1 else f"{n:,} {one}s"
