"""Everything that the bytes say, gathered for one reading: as JSON, and as a few lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from fos_ref.check.bench import Case
from fos_ref.check.evidence.cells import scale_values
from fos_ref.check.evidence.codes import code_counts, Counts, scale_counts
from fos_ref.check.evidence.suspects import Suspects
from fos_ref.check.evidence.tensor_scale import saturated
from fos_ref.check.flaws.flaw import Flaw
from fos_ref.recipes.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the bytes say beside any cause."""

    scales: Counts
    codes: Counts
    expected: float | None = None  #: the recipe's tensor scale S; None where each row has its own
    from_bytes: tuple[float, float] | None = None  #: where S lies by the scale bytes
    name: str | None = None  #: of that S, where it has one and is not the recipe's
    deviating: int = 0  #: blocks whose scale byte that S does not give
    constant: tuple[int, float] | None = None  #: the one byte and value that all block scales have
    where: str | None = None

    def tensor_scale(self) -> dict[str, Any]:
        """Return the recipe's tensor scale, the interval by the bytes, and its name."""
        return {
            "expected": self.expected,
            "from_bytes": None if self.from_bytes is None else list(self.from_bytes),
            "name": self.name,
        }

    def lines(self) -> Iterator[str]:
        """Yield the evidence as text."""
        if self.where is not None:
            yield f"  where: {self.where}"
        zero = self.constant is not None and self.constant[1] == 0  # under which every code is the nearest
        nearest = (
            ""
            if self.codes.nearest is None or zero
            else f"; {_share(self.codes.nearest, self.codes.of)} nearest"
        )
        under = " under the stored scales" if nearest else ""
        yield (
            f"  scale bytes: {_share(self.scales.equal, self.scales.of)} equal; "
            f"codes: {_share(self.codes.equal, self.codes.of)} equal{nearest}{under}"
        )
        yield from self._scale_lines()

    def _scale_lines(self) -> Iterator[str]:
        if self.constant is not None:
            yield f"  every scale byte is {self.constant[0]:02X} = {self.constant[1]:g}"
        if self.from_bytes is None:
            return
        low, high = self.from_bytes
        expected = "" if self.expected is None else f"; the recipe's is {self.expected:.7g}"
        name = "" if self.name is None else f", which is {_words(self.name)}"
        deviate = f" ({self.deviating:,} blocks deviate)" if self.deviating else ""
        yield f"  tensor scale by the scale bytes: {low:.7g} to {high:.7g}{name}{expected}{deviate}"


def _words(name: str) -> str:
    return {"none": "1: no tensor scale", "bfloat16": "S in bfloat16", "float16": "S in float16"}.get(
        name, name
    )


def _share(equal: int, of: int) -> str:
    """Return a share as a percentage that says 100 and 0 only where all or none are."""
    if equal == of:
        return "100 %"
    percent = 100 * equal / of
    return f"{min(percent, 99.99):.4g} %" if equal else "0 %"


def gathered(c: Case, r: Recipe, found: Suspects, flaws: tuple[Flaw, ...], place: str | None) -> Evidence:
    """Return the evidence of a reading. flaws: what is known of the tensor scale; place: see where.py.

    Codes are judged under that tensor scale and under the recipe's: scales that a search chose follow none.
    """
    solved, one = found.solved, saturated(c)
    judged = [code_counts(c, r, f) for f in dict.fromkeys((flaws, ()))]
    return Evidence(
        scales=scale_counts(c),
        codes=max(judged, key=lambda n: n.nearest or 0),
        expected=found.expected,
        from_bytes=None if solved is None else (solved.low, solved.high),
        name=_name(found, flaws),
        deviating=0 if solved is None else solved.of - solved.agree,
        constant=None if one is None or c.source.size == 1 else (one, _value(one, r)),
        where=place,
    )


def _name(found: Suspects, flaws: tuple[Flaw, ...]) -> str | None:
    """Return the name of the tensor scale that explains the bytes, or of the first that they allow."""
    named = [n.name for n in found.names if n.flaw in flaws]
    if named:
        return named[0]
    return found.names[0].name if found.other and found.names else None


def _value(byte: int, r: Recipe) -> float:
    return float(scale_values(np.array([byte], dtype=np.uint8), r)[0])
