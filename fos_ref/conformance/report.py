"""The result of running a kernel's trials: in all, by group and by flag."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fos_ref.check.diagnosis import Diagnosis
from fos_ref.check.stochastic.diagnosis import StochasticDiagnosis
from fos_ref.conformance.kernel import Failure
from fos_ref.recipes.recipe import Recipe
from fos_ref.vectors.notes import NOTES

STRIDES = "StridesIgnored"
_SHOWN = 8  #: failing trials in the JSON document


@dataclass(slots=True)
class Tried:
    """How many trials there were, and how many failed."""

    trials: int = 0
    failed: int = 0

    def to_dict(self) -> dict[str, int]:
        """Return the counts as plain JSON values."""
        return {"trials": self.trials, "failed": self.failed}


@dataclass(slots=True, kw_only=True)
class Report:
    """The result of `conformance`. It is true if at least one trial ran and every byte was equal."""

    recipe: Recipe
    groups: dict[str, Tried] = field(default_factory=dict)
    flags: dict[str, Tried] = field(default_factory=dict)  #: by mistake: the trials that would show it
    views: Tried = field(default_factory=Tried)  #: trials whose input is a part of a wider buffer
    failures: list[Failure] = field(default_factory=list)
    not_run: Counter[str] = field(default_factory=Counter)  #: reason -> trials
    diagnoses: list[tuple[str, Diagnosis | StochasticDiagnosis]] = field(default_factory=list)  #: by trial
    decided: int = 0  #: blocks that differ as a chip's reciprocals may have them: no failures

    @property
    def trials(self) -> int:
        """How many inputs the kernel was given."""
        return sum(g.trials for g in self.groups.values())

    @property
    def equal(self) -> bool:
        """Whether no trial failed."""
        return self.trials > 0 and not self.failures

    def __bool__(self) -> bool:
        """Return `equal`."""
        return self.equal

    @property
    def views_only(self) -> bool:
        """Whether the kernel fails where its input is a view, and nowhere else."""
        whole = self.trials - self.views.trials
        return whole > 0 and 0 < len(self.failures) == self.views.failed

    @property
    def causes(self) -> tuple[str, ...]:
        """The flags that the checker names, those of the most blocks first; on views alone, the strides."""
        named: Counter[str] = Counter()
        for _, d in self.diagnoses:
            named.update({c.flag: getattr(c, "blocks", 1) for c in d.causes})
        if self.views_only:
            return (STRIDES, *(f for f, _ in named.most_common() if f not in (STRIDES, "Unexplained")))
        return tuple(flag for flag, _ in named.most_common())

    def count(
        self,
        group: str,
        flags: tuple[str, ...],
        failure: Failure | None,
        *,
        trials: int = 1,
        view: bool = False,
    ) -> None:
        """Count trials of a group, the last of which failed or did not."""
        for tried in (
            self.groups.setdefault(group, Tried()),
            *(self.flags.setdefault(f, Tried()) for f in flags),
            *((self.views,) if view else ()),
        ):
            tried.trials += trials
            tried.failed += failure is not None
        if failure is not None:
            self.failures.append(failure)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return {
            "recipe": self.recipe.name,
            "recipe_fingerprint": self.recipe.fingerprint(),
            "equal": self.equal,
            "trials": self.trials,
            "failed": len(self.failures),
            "causes": list(self.causes),
            "views": self.views.to_dict(),
            "views_only": self.views_only,
            "groups": {k: v.to_dict() for k, v in self.groups.items()},
            "flags": {k: self.flags[k].to_dict() for k in NOTES if k in self.flags},
            "failures": [_failure(f) for f in self.failures[:_SHOWN]],
            "diagnoses": {name: d.to_dict() for name, d in self.diagnoses},
            "hardware_decides": self.decided,
            "not_run": dict(self.not_run),
        }

    def __str__(self) -> str:
        """Return the report as text: the verdict, counts by group and flag, diagnoses, what was not run."""
        return "\n".join(_lines(self))


def _failure(f: Failure) -> dict[str, Any]:
    return {"trial": f.trial.name, "what": f.what, "blocks": f.blocks, "of": f.of}


def _lines(r: Report) -> Iterator[str]:
    name = r.recipe.name
    if r.equal:
        yield f"{name}: all {r.trials:,} trials equal, every bit"
        would = ", ".join(f"{k} {r.flags[k].trials}" for k in NOTES if k in r.flags)
        if would:
            yield f"  trials that would show a mistake: {would}"
    elif not r.trials:
        yield f"{name}: no trial was run"
    else:
        yield f"{name}: {len(r.failures):,} of {r.trials:,} trials differ"
        yield from _failing_lines(r)
    if r.decided:
        yield f"  not counted: {r.decided:,} blocks that a chip's reciprocals decide (HardwareDecides)"
    for why, count in r.not_run.items():
        yield f"  not run ({count}): {why}"


def _shares(counts: Mapping[str, Tried], names: Sequence[str]) -> str:
    """Return 'a 1/3, b 2/5', or 'none'."""
    return ", ".join(f"{k} {counts[k].failed}/{counts[k].trials}" for k in names) or "none"


def _failing_lines(r: Report) -> Iterator[str]:
    if r.views_only:
        whole = r.trials - r.views.trials
        yield (
            f"  fails on views only ({STRIDES}): {r.views.failed} of {r.views.trials} inputs that are part "
            f"of a wider buffer differ, all {whole:,} others are equal"
        )
    yield f"  failed of tried, by group: {_shares(r.groups, [k for k, g in r.groups.items() if g.failed])}"
    known = [k for k in NOTES if k in r.flags]
    ranked = sorted(known, key=lambda k: -r.flags[k].failed / r.flags[k].trials)
    if known and not r.views_only:  # what a view shows is no mistake of the arithmetic
        failed, clean = ([k for k in ranked if bool(r.flags[k].failed) is one] for one in (True, False))
        yield f"  failed of those that show it, by flag: {_shares(r.flags, failed)}"
        yield f"  no trial failed that shows: {_shares(r.flags, clean)}"
    first = r.failures[0]
    yield f"  first: {first.trial.name}: {first.what}"
    for name, d in r.diagnoses:
        yield f"  checked {name}:"
        yield from (f"    {line}" for line in str(d).splitlines())
