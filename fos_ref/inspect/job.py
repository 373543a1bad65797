"""One inspection under way: every weight once, then what is wrong over all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from fos_ref.errors import InputError
from fos_ref.errors.text import shown
from fos_ref.inspect.against_recipe import cannot_be
from fos_ref.inspect.contenders import Contender, is_bits_of, storable
from fos_ref.inspect.damage import checkers_word, differing, MISTAKES, settled, with_word
from fos_ref.inspect.files import convention_of, manifest_of
from fos_ref.inspect.layout import LayoutVotes
from fos_ref.inspect.others import others_of
from fos_ref.inspect.otherwise import lies_otherwise, turned_scales
from fos_ref.inspect.parts import fused_siblings, missing_parts, scale_values
from fos_ref.inspect.plain import read_plainly, votes_of
from fos_ref.inspect.problems import in_order, joined, Kind, Problem
from fos_ref.inspect.quantized import Beside, beside
from fos_ref.inspect.report import Inspection
from fos_ref.inspect.scale_bytes import odd_bytes
from fos_ref.inspect.scales import makes_one
from fos_ref.inspect.search import Search
from fos_ref.inspect.walk import Walk
from fos_ref.inspect.weight import WeightFound
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.held import BlockFormat, Held
from fos_ref.storage.held_find import Found, held_weights
from fos_ref.storage.manifest import Manifest
from fos_ref.storage.shards import Shards

_NEARLY = 0.95  #: share of equal blocks from which on those that differ are damage
_ENOUGH = 16  #: blocks of a weight, or of 16 rows, whose equality is no accident
_ROWS = 0.1  #: share of groups of 16 rows that are equal in every block


@dataclass(slots=True)
class Job:
    """An inspection."""

    file: Shards
    original: Shards | None
    found: Found
    blocks: int | None
    recipe: Recipe | None
    renames: Sequence[tuple[str, str]]
    progress: Callable[[int, int], None] | None
    done: int = 0
    not_compared: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _votes: LayoutVotes | None = None

    def run(self) -> Inspection:
        """Take all passes."""
        manifest = manifest_of(self.file)
        walk, by = self._walk(manifest), self._beside()
        weights = [self._weight(held, walk, by) for held in self.found.weights]
        if self.original is not None and not any(w.blocks for w in weights):
            name, why = next(iter(self.not_compared.items()))
            if not why.startswith("the original has a NaN"):
                hint = self._hint(name)
                msg = f"{self.original.path}: no weight can be compared: {shown(name)}: {why}{hint}"
                raise InputError(msg)
        ranked = self._settle(walk, weights) if walk is not None else []
        self._judge(weights, walk, by)
        known = {i.name for g in self.found.groups for i in g.parts.values()}
        return Inspection(
            path=str(self.file.path),
            against=None if self.original is None else str(self.original.path),
            weights=tuple(weights),
            convention=convention_of(self.file, self.found),
            unread=self.found.unread,
            others=others_of(self.file.tensors.values(), known | set(self.found.unread)),
            manifest=manifest,
            asked=self.recipe,
            zero_block_bytes=_zero_bytes(weights),
            problems=in_order(self.problems),
            ranked=tuple(ranked),
            not_compared=self.not_compared,
        )

    def _walk(self, manifest: Manifest | str | None) -> Walk | None:
        """Prepare the comparison with an original."""
        if self.original is None:
            return None
        total = max(1, sum(h.blocks for h in self.found.weights))
        fraction = 1.0 if self.blocks is None else min(1.0, self.blocks / total)
        made_by = self.recipe or (manifest.recipe if isinstance(manifest, Manifest) else None)
        walk = Walk(
            self.file, self.original, self.found.weights, self.renames, fraction, made_by, self._advance
        )
        walk.start()
        return walk

    def _beside(self) -> Beside | None:
        """Prepare the comparison with another quantized file."""
        theirs = held_weights(self.original.tensors).weights if self.original is not None else []
        return beside(self.file, self.original, theirs, self.renames) if self.original and theirs else None

    def _weight(self, held: Held, walk: Walk | None, by: Beside | None) -> WeightFound:
        found = walk.weight(held) if walk is not None else None
        if found is not None:
            return found
        if self._votes is None:
            self._votes = votes_of(self.file, self.found.weights)
        found = read_plainly(self.file, held, self._votes, self._advance)
        if walk is not None:
            why = by.compare(found) if by is not None else walk.not_compared.get(held.name)
            if why is not None:
                self.not_compared[held.name] = walk.not_compared.get(held.name, why)
        return found

    def _hint(self, name: str) -> str:
        """Return how to look the weight up under another prefix, where the original has its end."""
        assert self.original is not None
        parts = name.split(".")
        for n in range(1, len(parts) - 1):
            end = "." + ".".join(parts[n:])
            other = [t for t in self.original.tensors if t.endswith(end) or t == end[1:]]
            if len(other) == 1:
                new = other[0].removesuffix(end[1:])
                old = ".".join(parts[:n]) + "."
                return f"; it has {shown(other[0])}: --map {shown(old + '=' + new)} looks it up there"
        return ""

    def _settle(self, walk: Walk, weights: Sequence[WeightFound]) -> list[Contender]:
        """Add up how the contenders did; return them, those of the larger format first."""
        self.problems += joined(walk.said)
        sizes = {k: sum(w.blocks for w in weights if w.held.format is k) for k in walk.searches}
        ranked: list[Contender] = []
        for kind in sorted(walk.searches, key=lambda k: -sizes[k]):
            mine = [w for w in weights if w.held.format is kind and w.compared is not None]
            _add_up(walk.searches[kind], mine)
            order = walk.searches[kind].ranked()
            asked = [c for c in order if self.recipe is not None and is_bits_of(c, self.recipe)]
            first = next(iter([*asked, *(c for c in order[:1] if c.equal)]), None)
            leader = None if first is None else walk.searches[kind].contenders.index(first)
            settled(mine, walk.searches[kind].contenders, leader, alone=bool(asked))
            ranked += order
            if first is not None and leader is not None:
                named = walk.manifest is not None and is_bits_of(first, walk.manifest)
                told = named or _told(first, leader, mine)
                self._blocks_differ(walk, kind, leader, mine, told=told)
        return ranked

    def _blocks_differ(
        self, walk: Walk, kind: BlockFormat, leader: int, mine: list[WeightFound], *, told: bool
    ) -> None:
        """Say which blocks are not the dialect's; where none is told, only if the checker knows why."""
        c = walk.searches[kind].contenders[leader]
        problem = differing(mine, c)
        if problem is None:
            return
        worst = next(w for w in mine if w.held.name == problem.weights[0])
        pair = walk.pair(worst.held)
        word = None if pair is None else checkers_word(pair, worst, c, leader)
        if told or (word is not None and word.startswith(MISTAKES)):
            self.problems.append(with_word(problem, word))

    def _judge(self, weights: Sequence[WeightFound], walk: Walk | None, by: Beside | None) -> None:
        """Say what is wrong with parts, scales, siblings and padding."""
        told = {n.partition("[")[0] for p in self.problems if p.kind is Kind.MISSING_PART for n in p.weights}
        self.problems += missing_parts(self.found, self.file, told)
        self.problems += scale_values(self.found, self.file)
        self.problems += fused_siblings([w.held for w in weights], [w.stored for w in weights])
        self.problems += odd_bytes(self.file, weights, walk)
        if walk is not None:
            self.problems += [*lies_otherwise(weights), *turned_scales(weights)]
        if self.recipe is not None:  # with an original its own blocks were compared
            r = self.recipe
            told_by_none = [w for w in weights if walk is None or not storable(r, w.held.format)]
            self.problems += cannot_be(told_by_none, r)
        self.problems += joined(by.said) if by is not None else []
        bad = [n for n, why in self.not_compared.items() if why.startswith("the original has a NaN")]
        self.problems += joined((Kind.NOT_FINITE, n, "the original has a NaN or an infinity") for n in bad)

    def _advance(self, nbytes: int) -> None:
        self.done += nbytes
        if self.progress is not None:
            self.progress(self.done, sum(h.code_bytes for h in self.found.weights))


def _add_up(search: Search, weights: Sequence[WeightFound]) -> None:
    for w in weights:
        if w.compared is None:
            continue
        search.set_back(w.compared.equal, w.compared.blocks)
        for i, n in w.compared.equal.items():
            c, owner = search.contenders[i], w.compared.owners[i]
            c.blocks, c.equal = c.blocks + w.compared.blocks, c.equal + n
            c.own_tensor_scales += owner == w.held.name and makes_one(c.recipe, w.stored)
            if owner is None and w.stored is not None:
                c.derived.append(w.held.name)


def _told(c: Contender, leader: int, weights: Sequence[WeightFound]) -> bool:
    """Return whether a contender made the file: nearly all blocks, a whole weight, or whole rows are its.

    A dialect that no preset has gives many blocks of a preset too, but spread over all rows.
    """
    if c.share >= _NEARLY or any(w.dialect in c.names and w.blocks >= _ENOUGH for w in weights):
        return True
    parts = [w.compared for w in weights if w.compared is not None]
    clean, groups = sum(p.clean.get(leader, 0) for p in parts), sum(p.groups for p in parts)
    return clean > _ROWS * groups and c.blocks >= _ENOUGH * groups


def _zero_bytes(weights: Sequence[WeightFound]) -> dict[str, int]:
    found: dict[int, int] = {}
    for w in weights:
        for byte, n in w.facts.zero_bytes.items():
            found[byte] = found.get(byte, 0) + n
    return {f"{byte:02X}": found[byte] for byte in sorted(found)}
