"""What `check_stochastic` found, as a value, as JSON, and as text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fos_ref.check.flags import FLAGS, STOCHASTIC_FLAGS
from fos_ref.random.judge import Verdict

_SHOWN = 5  #: causes and alarms in the text


@dataclass(frozen=True, slots=True, kw_only=True)
class StochasticCause:
    """One mistake that explains a stochastic kernel's bytes better than the recipe does."""

    flag: str
    what: str
    left: int | None = (
        None  #: codes, or scale bytes, that it leaves unexplained; None where nothing counts them
    )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        meaning = {**FLAGS, **STOCHASTIC_FLAGS}[self.flag]
        return {"flag": self.flag, "what": self.what, "meaning": meaning, "left": self.left}


@dataclass(frozen=True, slots=True, kw_only=True)
class StochasticDiagnosis:
    """The result of `check_stochastic`. It is true where nothing is wrong: see `equal`."""

    recipe: str
    values: int
    scales: int
    wrong_scales: int  #: scale bytes that are not the recipe's
    wrong_codes: int | None  #: codes that the random words do not give; None without words
    illegal: int  #: codes that no random number gives, under the scale bytes as they are explained
    undecided: int = 0  #: blocks set aside: an order of summation decides their rotated values
    feed: str | None = None  #: the reading of the words that fits best, or that was judged
    verdict: Verdict | None = None  #: what statistics say; None with words that explain every code
    causes: tuple[StochasticCause, ...] = ()  #: the best explanation first

    @property
    def equal(self) -> bool:
        """Whether nothing is wrong: with words every bit is equal, without no test alarms."""
        return not self.causes

    def __bool__(self) -> bool:
        """Return `equal`."""
        return self.equal

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags of `causes`, each once, in the same order."""
        return tuple(dict.fromkeys(c.flag for c in self.causes))

    def to_dict(self) -> dict[str, Any]:
        """Return what `fos check --json` prints for a stochastic recipe."""
        v = self.verdict
        return {
            "equal": self.equal,
            "values": self.values,
            "scales": {"wrong": self.wrong_scales, "of": self.scales},
            "codes": {"wrong": self.wrong_codes, "illegal": self.illegal, "of": self.values},
            "undecided_blocks": self.undecided,
            "feed": self.feed,
            "causes": [c.to_dict() for c in self.causes],
            "alarms": [] if v is None else [a._asdict() for a in v.alarms],
            "tests": 0 if v is None else len(v.tests),
            "false_alarm": None if v is None else v.false_alarm,
        }

    def __str__(self) -> str:
        """Return the diagnosis in a few lines."""
        return "\n".join(_lines(self))


def _lines(d: StochasticDiagnosis) -> Iterator[str]:
    fed = f", feed {d.feed}" if d.feed else ""
    if d.wrong_codes is None:
        said = "no alarm" if d.equal else "not as the recipe rounds"
        yield f"{d.recipe}: {said}, {d.values:,} values without their random words{fed}"
    elif d.equal:
        yield f"{d.recipe}: all {d.values:,} codes and {d.scales:,} scale bytes are those of the words{fed}"
    else:
        yield f"{d.recipe}: {d.wrong_codes:,} of {d.values:,} codes are not those of the words{fed}"
    if d.wrong_scales:
        yield f"  {d.wrong_scales:,} of {d.scales:,} scale bytes differ"
    if d.undecided:
        yield f"  {d.undecided:,} blocks set aside: an order of summation decides their rotated values"
    if d.illegal:
        yield f"  {d.illegal:,} codes are neither neighbour of their value"
    for c in d.causes[:_SHOWN]:
        left = "" if c.left is None else f"; {c.left:,} are left"
        yield f"  {c.flag}: {c.what}{left}"
    if d.verdict is not None:
        yield f"  {len(d.verdict.tests)} tests; a right rounder alarms at a rate of {d.verdict.false_alarm:g}"
        for a in d.verdict.alarms[:_SHOWN]:
            yield f"    {a.what}: {a.total:+.5g}, variance {a.variance:.5g}, chance {a.chance:.2g}"
