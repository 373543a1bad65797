"""A diagnosis as a value, as JSON, and as text of at most 30 lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fos_ref.check.dossier import Dossier
from fos_ref.check.evidence.gathered import Evidence
from fos_ref.check.evidence.padding import Padding
from fos_ref.check.flags import FLAGS
from fos_ref.notebook import markup

_LIMIT = 30  #: lines of text


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One flag of a diagnosis: how many differing blocks it explains, and the evidence."""

    flag: str
    blocks: int
    what: str  #: the mistake in words
    together: tuple[str, ...] = ()  #: flags without which it does not explain them
    rivals: tuple[str, ...] = ()  #: flags that give the same bytes on this whole input
    breaks: int = 0  #: blocks that are right and that it would change
    near_ties: int = 0  #: of its blocks, those whose errors are within a few float32 steps
    example: Dossier | None = None

    def evidence(self) -> dict[str, Any]:
        """Return the evidence as plain JSON values."""
        found: dict[str, Any] = {"what": self.what, "meaning": FLAGS[self.flag]}
        for key in ("together", "rivals"):
            if getattr(self, key):
                found[key] = list(getattr(self, key))
        found |= {"breaks": self.breaks, "near_ties": self.near_ties}
        if self.example is not None:
            found["example"] = self.example.to_dict()
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The result of `check`: equal, or what explains the difference. It is true if every byte is equal.

    `print` shows it in at most 30 lines; `to_dict` gives JSON values.
    """

    recipe: str
    blocks: int  #: of the recipe: a 16x16 tile is one
    mismatching_blocks: int
    causes: tuple[Cause, ...] = ()  #: the best explanation first
    first: Dossier | None = None  #: the first mismatch
    closest: str | None = None  #: the preset that fits better than the recipe, in words
    evidence: Evidence | None = None  #: what the bytes say by themselves
    notes: tuple[Padding, ...] = ()  #: what is no difference but will hurt

    @property
    def equal(self) -> bool:
        """Whether no block differs."""
        return self.mismatching_blocks == 0

    def __bool__(self) -> bool:
        """Return `equal`."""
        return self.equal

    @property
    def scales(self) -> dict[str, int | None]:
        """How many scale bytes are the recipe's, and of how many."""
        return {} if self.evidence is None else self.evidence.scales.to_dict()

    @property
    def codes(self) -> dict[str, int | None]:
        """How many codes are the recipe's, of how many, and how many the nearest under the stored scale."""
        return {} if self.evidence is None else self.evidence.codes.to_dict()

    @property
    def tensor_scale(self) -> dict[str, Any]:
        """The recipe's tensor scale, and the one that the scale bytes follow."""
        return {} if self.evidence is None else self.evidence.tensor_scale()

    @property
    def where(self) -> str | None:
        """The region that the differing blocks fill."""
        return None if self.evidence is None else self.evidence.where

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags of `causes`, in the same order."""
        return tuple(c.flag for c in self.causes)

    def to_dict(self) -> dict[str, Any]:
        """Return what `fos check --json` prints."""
        causes: list[dict[str, Any]] = [
            {"flag": c.flag, "blocks": c.blocks, "evidence": c.evidence()} for c in self.causes
        ]
        if causes and self.closest is not None:
            causes[0]["evidence"]["closest_preset"] = self.closest
        return {
            "equal": self.equal,
            "blocks": self.blocks,
            "mismatching_blocks": self.mismatching_blocks,
            "causes": causes,
            "first": {} if self.first is None else self.first.to_dict(),
            "scales": self.scales,
            "codes": self.codes,
            "tensor_scale": self.tensor_scale,
            "where": self.where,
            "notes": [n.to_dict() for n in self.notes],
        }

    def _repr_html_(self) -> str:
        """Return the diagnosis for a notebook: the causes as a table, then the text of `print`."""
        rows = [[c.flag, f"{c.blocks:,}", c.what] for c in self.causes]
        table = markup.table(["cause", "blocks", "what"], rows, self.recipe) if rows else ""
        return f"<div>{table}<pre>{markup.text(self)}</pre></div>"

    def __str__(self) -> str:
        """Return the diagnosis in at most 30 lines."""
        return "\n".join(list(_lines(self))[:_LIMIT])


def _lines(d: Diagnosis) -> Iterator[str]:
    if d.equal:
        yield f"{d.recipe}: all {d.blocks:,} blocks equal, every bit"
        yield from (f"  {n}" for n in d.notes)
        return
    share = f"{100 * d.mismatching_blocks / d.blocks:.4g} %"
    yield f"{d.recipe}: {d.mismatching_blocks:,} of {d.blocks:,} blocks differ ({share})"
    if d.closest is not None:
        yield f"  {d.closest}"
    if d.evidence is not None:
        yield from d.evidence.lines()
    yield from (f"  {n}" for n in d.notes)
    for c in d.causes:
        yield from _cause_lines(c)
    shown = next((c.example for c in d.causes if c.example is not None), None) or d.first
    if shown is not None:
        yield from shown.lines()


def _cause_lines(c: Cause) -> Iterator[str]:
    extra = f", breaks {c.breaks:,} others" if c.breaks else ""
    joint = f" (together with {', '.join(c.together)})" if c.together else ""
    yield f"  {c.flag}: {c.blocks:,} blocks{extra}{joint}: {c.what}"
    if c.near_ties and c.flag != "NearTie":
        all_ = "all" if c.near_ties == c.blocks else f"{c.near_ties:,}"
        yield f"    {all_} of them near ties, which no error is lost by"
    if c.rivals:
        yield f"    {', '.join(c.rivals)} would give the same bytes on this input"
