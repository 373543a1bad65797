"""What was found out about a product, as a value, as JSON and as text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

CERTIFIED = "certified-exact"
RUNNING = "inside-running-bound"
ANY_ORDER = "inside-any-order-bound"
OUTSIDE = "outside"
VERDICTS = (CERTIFIED, RUNNING, ANY_ORDER, OUTSIDE)
_WORDS = {
    CERTIFIED: "every output is certified and has the only bits that it may have",
    RUNNING: "certified outputs are equal, the others inside the running bound of a known order",
    ANY_ORDER: "every output is inside the bound that holds for any order",
    OUTSIDE: "some outputs are wrong: no order and no rounding gives them",
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """One output that is outside."""

    row: int
    column: int
    got: float
    exact: float  #: alpha times the exact sum
    bound: float  #: how far it may be from it
    certified: bool

    def __str__(self) -> str:
        sure = ", certified" if self.certified else ""
        return (
            f"({self.row}, {self.column}): {self.got:.9g}, exact {self.exact:.9g} +- {self.bound:.3g}{sure}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MatmulDiagnosis:
    """The result of `check_matmul`. It is true if `equal` is."""

    equal: bool  #: the bits are those of the model that was named; without one: of a model, or certified
    verdict: str  #: one of VERDICTS
    models: tuple[str, ...]  #: the models whose bits these are, all of them
    certified: float  #: the share of outputs that every order and rounding gives the same bits
    outputs: int
    wrong: int  #: outputs that are outside
    causes: tuple[str, ...] = ()  #: mistakes that give this output, the nearest first
    alpha: str | None = None  #: the form of alpha that certified outputs have
    first: Wrong | None = None

    def __bool__(self) -> bool:
        """Return `equal`."""
        return self.equal

    def to_dict(self) -> dict[str, Any]:
        """Return what `fos matmul check --json` prints."""
        first = None
        if self.first is not None:
            first = {
                f: getattr(self.first, f) for f in ("row", "column", "got", "exact", "bound", "certified")
            }
            first |= {k: None for k, v in first.items() if isinstance(v, float) and v - v != 0}
        return {
            "equal": self.equal,
            "verdict": self.verdict,
            "models": list(self.models),
            "certified": self.certified,
            "outputs": self.outputs,
            "wrong": self.wrong,
            "causes": list(self.causes),
            "alpha": self.alpha,
            "first": first,
        }

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{self.verdict}: {_WORDS[self.verdict]}"
        yield f"  certified: {100 * self.certified:.4g} % of {self.outputs:,} outputs"
        if self.alpha is not None:
            yield f"  alpha: {self.alpha}"
        yield f"  bits of: {', '.join(self.models) or 'no model'}"
        if self.wrong:
            yield f"  outside: {self.wrong:,} outputs, the first {self.first}"
        for cause in self.causes:
            yield f"  {cause}"
