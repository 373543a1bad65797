"""What an inspection found: over all weights, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fos_ref.inspect.agree import agreed, FEW, MIXED
from fos_ref.inspect.contenders import Contender, is_bits_of, same_bits
from fos_ref.inspect.findings import Finding, Rule, UNTOLD
from fos_ref.inspect.others import Other
from fos_ref.inspect.problems import Kind, Problem
from fos_ref.inspect.reading import usable
from fos_ref.inspect.weight import WeightFound
from fos_ref.recipes.axes import Candidates
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.held import BlockFormat
from fos_ref.storage.manifest import Manifest

_NEXT = 4  #: contenders shown after the best
_SEEMS = 0.15  #: share of blocks at 4 from which on a 4/6 rule is named although no preset gives the bytes
#: Problems that a file can have whose bytes are the manifest's all the same.
_NOT_ITS = (Kind.FUSED_SIBLINGS, Kind.PADDING)
#: Problems that no manifest outlives, whatever was compared.
_NO_NUMBERS = [Kind.MISSING_PART, Kind.NOT_FINITE]
_CLOSE = 0.5  #: the best contender is not called the dialect below this share of equal blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """The result of `inspect`: `findings` has each property with its evidence."""

    path: str
    against: str | None
    weights: tuple[WeightFound, ...]
    convention: Finding
    unread: Mapping[str, str]  #: tensors that look quantized and are neither NVFP4 nor MXFP4: why
    others: tuple[Other, ...]  #: tensors that belong to no quantized weight, by kind
    manifest: Manifest | str | None  #: a string says why it cannot be used
    asked: Recipe | None = None  #: what the caller says made the file
    zero_block_bytes: Mapping[str, int] = field(default_factory=dict)  #: scale bytes over zeros, how many
    problems: tuple[Problem, ...] = ()
    ranked: tuple[Contender, ...] = ()  #: with --against: the best first
    not_compared: Mapping[str, str] = field(default_factory=dict)

    @property
    def rule(self) -> Rule:
        """Blocks at 4 and at 6 over all weights."""
        parts = [w.facts.rule for w in self.weights]
        return Rule(*(sum(getattr(p, k) for p in parts) for k in ("at_4", "at_6", "neither")))

    @property
    def recipe(self) -> Recipe | None:
        """The manifest's recipe."""
        return self.manifest.recipe if isinstance(self.manifest, Manifest) else None

    @property
    def compared(self) -> tuple[str, ...]:
        """The weights that were compared with their originals."""
        return tuple(w.held.name for w in self.weights if w.blocks)

    @property
    def looked_at(self) -> tuple[int, int]:
        """(blocks compared, blocks of all weights)."""
        return sum(w.blocks for w in self.weights), sum(w.held.blocks for w in self.weights)

    @property
    def counts(self) -> dict[str, int]:
        """The counts of all weights."""
        total: dict[str, int] = {}
        for w in self.weights:
            for key, n in w.facts.counts.items():
                total[key] = total.get(key, 0) + n
        return total

    @property
    def manifest_blocks(self) -> tuple[int, int, int]:
        """(blocks that are the manifest's, blocks compared, blocks that the manifest speaks of)."""
        if not isinstance(self.manifest, Manifest):
            return 0, 0, 0
        own = next((c for c in self.ranked if is_bits_of(c, self.manifest.recipe)), None)
        per = self.manifest.recipe.block_cols
        total = sum(
            rows * -(-cols // per) for rows, cols in (s.shape for s in self.manifest.tensors.values())
        )
        return (own.equal, own.blocks, total) if own is not None else (0, 0, total)

    @property
    def manifest_holds(self) -> bool | None:
        """Whether the manifest's recipe makes all blocks of all its weights, tensor scales included.

        False where any of its weights is missing, has a problem of its own, or differs in a block that was
        compared. None where nothing was compared with an original, or not everything.
        """
        if not isinstance(self.manifest, Manifest):
            return None
        named = set(self.manifest.tensors)
        if self._broken & named or named - {w.held.name for w in self.weights}:
            return False
        own = next((c for c in self.ranked if is_bits_of(c, self.manifest.recipe)), None)
        equal, blocks, total = self.manifest_blocks
        if not blocks:
            return None
        if equal < blocks or (own is not None and own.derived):
            return False
        return True if blocks >= total and named <= set(self.compared) else None

    @property
    def _broken(self) -> set[str]:
        """Weights that are not what any recipe makes.

        Without an original quantized anew: those that are no numbers. What another quantized file, another
        recipe or zero block scales say then is nothing against the manifest: recipes flush tiny blocks.
        """
        aside = (*_NOT_ITS, Kind.BLOCKS_DIFFER) if self._asked_of_another else _NOT_ITS
        kinds = [k for k in Kind if k not in aside] if self.ranked else _NO_NUMBERS
        bad = [w for w in self.weights if not usable(w.stored) or w.facts.counts["nan_scales"]]
        return {n for p in self.problems if p.kind in kinds for n in p.weights} | {w.held.name for w in bad}

    @property
    def _asked_of_another(self) -> bool:
        """Whether the caller's recipe gives other bytes than the manifest's: then not its blocks differ."""
        return self.asked is not None and self.recipe is not None and not same_bits(self.asked, self.recipe)

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
        told = [w for w in self.weights if w.facts.rule.at_4 + w.facts.rule.at_6 >= FEW]
        powers = [w for w in self.weights if w.facts.format is BlockFormat.MXFP4]
        if powers and len(powers) == len(self.weights):
            return agreed(w.findings["rule"] for w in powers)
        values = {w.findings["rule"].value for w in told}
        whole = self.rule.finding(bound, tiled=all(w.facts.tiled for w in self.weights))
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
        top = self.ranked[0] if self.ranked else None
        if top is None or not top.equal:
            return [] if top is None else [top]
        per = top.recipe.block_cols  # of one format
        alike = (c for c in self.ranked if c.standing == top.standing and c.recipe.block_cols == per)
        return [c for c in alike if not c.dropped]

    @property
    def shown(self) -> tuple[Contender, ...]:
        """The best, and the next few."""
        return self.ranked[: len(self.best) + _NEXT]

    @property
    def derived(self) -> list[str]:
        """The weights whose tensor scale the best contender makes of no amax of the original."""
        accused = {n for p in self.problems for n in p.weights}
        return sorted(set(self.ranked[0].derived) - accused) if self.ranked else []

    @property
    def _untold(self) -> str:
        if self.against is None:
            return f"{UNTOLD}: --against ORIGINAL tells"
        return "the other file is quantized too" if self.compared else "no weight could be compared"

    @property
    def _known(self) -> bool:
        """Whether the best contender is the dialect of half the blocks, or of a whole weight."""
        top = self.ranked[0] if self.ranked else None
        whole = top is not None and any(w.dialect in top.names for w in self.weights if w.dialect)
        return top is not None and (top.share >= _CLOSE or whole)

    def _metric(self) -> Finding:
        best = self.best
        if not best:
            return Finding(None, self._untold)
        if not self._known:
            return Finding(None, "no preset comes close")
        metrics = {c.recipe.error_metric for c in best}
        names = ", ".join(sorted("none" if m is None else m.value for m in metrics))
        if len(metrics) > 1:
            return Finding(None, f"cannot be told from these blocks: {names} do equally well")
        return Finding(names, "the metric of the presets that do best")

    def _dialect(self) -> Finding:
        best = self.best
        if not best:
            return Finding(None, self._untold)
        top, count = best[0], sum(len(c.names) for c in best)
        seen = f"{top.equal:,} of {top.blocks:,} blocks are equal"
        if count > 1:
            seen += f"; {count} presets do as well: {', '.join(n for c in best for n in c.names)}"
        if not self._known:
            return Finding(None, f"no preset comes close; nearest is {top.names[0]}: {seen}")
        return Finding(top.names[0], seen)

    def to_dict(self) -> dict[str, Any]:
        """Return what --json prints."""
        others = sum(o.tensors for o in self.others)
        compared, blocks = self.looked_at
        return {
            "file": self.path,
            "against": self.against,
            "findings": {k: f.to_dict() for k, f in self.findings.items()},
            "problems": [p.to_dict() for p in self.problems],
            "share4": self.rule.share4,
            "counts": {"weights": len(self.weights), **self.counts, "other_tensors": others},
            "scale_bytes_of_zero_blocks": dict(self.zero_block_bytes),
            "other_tensors": [o.to_dict() for o in self.others],
            "manifest": self._manifest(),
            "compared_blocks": compared,
            "blocks": blocks,
            "same_bytes": [n for c in self.best for n in c.names],
            "dialects": [c.to_dict() for c in self.shown],
            "compared": list(self.compared),
            "not_compared": dict(self.not_compared),
            "tensor_scale_of_no_known_amax": self.derived,
            "weights": {w.held.name: w.to_dict() for w in self.weights},
            "unread": dict(self.unread),
        }

    def _manifest(self) -> dict[str, Any] | None:
        if isinstance(self.manifest, str):
            return {"unusable": self.manifest}
        if self.manifest is None:
            return None
        equal, compared, blocks = self.manifest_blocks
        return {
            "recipe": self.manifest.recipe.name,
            "convention": self.manifest.convention.name,
            "version": self.manifest.version,
            "holds": self.manifest_holds,
            "equal_blocks": equal,
            "compared_blocks": compared,
            "blocks": blocks,
        }
