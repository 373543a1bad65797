"""What an inspection found: per weight, in sum, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fos_ref.formats.bits import f32_hex
from fos_ref.inspect.agree import agreed, FEW, MIXED
from fos_ref.inspect.contenders import Contender, is_bits_of
from fos_ref.inspect.findings import (
    bound_of,
    counts_of,
    Finding,
    largest_byte,
    largest_product,
    Rule,
    rule_of,
    shape_of,
    UNTOLD,
    zero_block_bytes,
)
from fos_ref.inspect.reading import Reading
from fos_ref.inspect.tally import Tally
from fos_ref.recipes.axes import Candidates
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.held import Held
from fos_ref.storage.manifest import Manifest

_NEXT = 4  #: contenders shown after the best
_SEEMS = 0.15  #: share of blocks at 4 from which on a 4/6 rule is named although no preset gives the bytes
_CLOSE = 0.5  #: the best contender is not called the dialect below this share of equal blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightFound:
    """One quantized weight."""

    held: Held
    stored: np.float32 | None  #: the tensor scale in the file
    reading: Reading  #: the one that the counts were taken with
    read: Mapping[str, Finding]  #: tensor_scale, nibble_order, scale_layout
    tally: Tally

    @property
    def rule(self) -> Rule:
        """How many blocks are at 4 and at 6."""
        return rule_of(self.tally.units)

    @property
    def findings(self) -> dict[str, Finding]:
        """Every property of the weight."""
        return {
            **self.read,
            "block_shape": shape_of(self.tally),
            "bound": bound_of(self.tally.units),
            "rule": self.rule.finding(bound_of(self.tally.units).value, tiled=self.tally.tiled),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the weight as plain JSON values."""
        units = self.tally.units
        return {
            "name": self.held.name,
            "shape": list(self.held.shape),
            "convention": self.held.convention.name,
            "tensor_scale_bits": None if self.stored is None else f32_hex(self.stored),
            "largest_scale_byte": f"{largest_byte(units):02X}",
            "largest_product": largest_product(units),
            "share4": self.rule.share4,
            **counts_of(self.tally),
            "findings": {k: f.to_dict() for k, f in self.findings.items()},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """The result of `inspect`: `findings` has each property with its evidence."""

    path: str
    against: str | None
    weights: tuple[WeightFound, ...]
    convention: Finding
    unread: Mapping[str, str]  #: tensors that look quantized and are no NVFP4 weight: why
    others: int  #: tensors that belong to no quantized weight
    manifest: Manifest | str | None  #: a string says why it cannot be used
    ranked: tuple[Contender, ...] = ()  #: with --against: the best first
    compared: tuple[str, ...] = ()
    not_compared: Mapping[str, str] = field(default_factory=dict)

    @property
    def tally(self) -> Tally:
        """The counts of all weights."""
        total = Tally()
        for w in self.weights:
            total.add(w.tally)
        return total

    @property
    def rule(self) -> Rule:
        """Blocks at 4 and at 6 over all weights."""
        parts = [w.rule for w in self.weights]
        return Rule(*(sum(getattr(p, k) for p in parts) for k in ("at_4", "at_6", "neither")))

    @property
    def recipe(self) -> Recipe | None:
        """The manifest's recipe."""
        return self.manifest.recipe if isinstance(self.manifest, Manifest) else None

    @property
    def manifest_holds(self) -> bool | None:
        """Whether the manifest's recipe makes every compared block, and each tensor scale of a known amax.

        Known are the amaxes of the original. None where that was not tried.
        """
        if self.recipe is None or not self.compared:
            return None
        return any(c.exact and not c.derived for c in self.ranked if is_bits_of(c, self.recipe))

    @property
    def findings(self) -> dict[str, Finding]:
        """Every property of the file."""
        names = ("tensor_scale", "nibble_order", "scale_layout", "block_shape", "bound")
        found = {k: agreed(w.findings[k] for w in self.weights) for k in names}
        return {
            "convention": self.convention,
            **found,
            "rule": self._unrefuted(self._rule(found["bound"].value)),
            "metric": self._metric(),
            "dialect": self._dialect(),
        }

    def _rule(self, bound: str | None) -> Finding:
        told = [w for w in self.weights if w.rule.at_4 + w.rule.at_6 >= FEW]
        values = {w.findings["rule"].value for w in told}
        whole = self.rule.finding(bound, tiled=all(w.tally.tiled for w in self.weights))
        return whole if len(values) <= 1 else Finding(MIXED, f"weights differ: {whole.evidence}")

    def _unrefuted(self, rule: Finding) -> Finding:
        """Return the rule; None where no preset comes close to the bytes, and few blocks say it."""
        refuted = bool(self.best) and self.best[0].share < _CLOSE
        share = self.rule.share4 or 0.0
        if not refuted or rule.value != Candidates.FOUR_OVER_SIX.value or share >= _SEEMS:
            return rule
        return Finding(None, f"{UNTOLD}: {rule.evidence}; no preset comes close to the bytes")

    @property
    def best(self) -> list[Contender]:
        """The contenders that did best, equally well."""
        top = self.ranked[:1]
        return [c for c in self.ranked if top and c.equal == top[0].equal and c.exact == top[0].exact]

    @property
    def shown(self) -> tuple[Contender, ...]:
        """The best, and the next few."""
        return self.ranked[: len(self.best) + _NEXT]

    @property
    def derived(self) -> list[str]:
        """The weights whose tensor scale the best contender makes of no amax of the original."""
        return sorted(self.ranked[0].derived) if self.ranked else []

    @property
    def _untold(self) -> str:
        return (
            f"{UNTOLD}: --against ORIGINAL tells" if self.against is None else "no weight could be compared"
        )

    def _metric(self) -> Finding:
        best = self.best
        if not best:
            return Finding(None, self._untold)
        metrics = {c.recipe.error_metric for c in best}
        names = ", ".join(sorted("none" if m is None else m.value for m in metrics))
        if len(metrics) > 1:
            return Finding(None, f"cannot be told from these blocks: {names} do equally well")
        if best[0].share < _CLOSE:
            return Finding(None, "no preset comes close")
        return Finding(names, "the metric of the presets that do best")

    def _dialect(self) -> Finding:
        best = self.best
        if not best:
            return Finding(None, self._untold)
        top, count = best[0], sum(len(c.names) for c in best)
        seen = f"{top.equal:,} of {top.blocks:,} blocks are equal"
        if count > 1:
            seen += f"; {count} presets do as well: {', '.join(n for c in best for n in c.names)}"
        if top.share < _CLOSE:
            return Finding(None, f"no preset comes close; nearest is {top.names[0]}: {seen}")
        return Finding(top.names[0], seen)

    def to_dict(self) -> dict[str, Any]:
        """Return what --json prints."""
        tally = self.tally
        return {
            "file": self.path,
            "against": self.against,
            "findings": {k: f.to_dict() for k, f in self.findings.items()},
            "share4": self.rule.share4,
            "counts": {"weights": len(self.weights), **counts_of(tally), "other_tensors": self.others},
            "scale_bytes_of_zero_blocks": zero_block_bytes(tally),
            "manifest": self._manifest(),
            "same_bytes": [n for c in self.best for n in c.names],
            "dialects": [c.to_dict() for c in self.shown],
            "compared": list(self.compared),
            "not_compared": dict(self.not_compared),
            "tensor_scale_of_no_known_amax": self.derived,
            "weights": [w.to_dict() for w in self.weights],
            "unread": dict(self.unread),
        }

    def _manifest(self) -> dict[str, Any] | None:
        if isinstance(self.manifest, str):
            return {"unusable": self.manifest}
        if self.manifest is None:
            return None
        return {
            "recipe": self.manifest.recipe.name,
            "convention": self.manifest.convention.name,
            "version": self.manifest.version,
            "holds": self.manifest_holds,
        }
