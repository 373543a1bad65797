"""The search: single flaws on every reading, then pairs and triples, each verified on every block."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from fos_ref.check.bench import Bench, Case, Hypothesis, reproduced, Score
from fos_ref.check.explanation import enough, Explanation
from fos_ref.check.flags import FLAGS, OF_LAST_BITS, SWEEPING
from fos_ref.check.flaws.catalogue import catalogue
from fos_ref.check.flaws.flaw import Flaw
from fos_ref.check.offsets import offsets
from fos_ref.check.residual import judged
from fos_ref.check.sample import chosen
from fos_ref.check.ties import ties_first
from fos_ref.formats.arrays import AnyArray, I64
from fos_ref.recipes.recipe import Recipe

SAMPLE = 768  #: differing blocks, and as many of the others
_OF_A_SEARCH = 16  #: times fewer under a recipe that computes each block a hundred times
BEAM = 8  #: hypotheses carried on, by whole blocks and by bytes each
#: (differing blocks, flaws in one explanation): a few blocks fit too many pairs to be evidence for one.
DEPTHS = ((4, 1), (64, 2))
DEEPEST = 3
ROUNDS = 4  #: times that counterexamples join the sample
_COUNTEREXAMPLES = 256
_ALIKE = 2  #: hypotheses of the same flags that are carried on
#: (blocks, hypotheses): how many of both go through each round of a verification.
_RACE: tuple[tuple[int | None, int], ...] = ((1 << 14, 64), (1 << 17, 16), (None, 4))
_COMPARED = 1 << 17  #: blocks on which explanations that leave some are compared
_SCALE = "TensorScale"
#: Flags of mistakes at the ends of a range, which another mistake may bring values to.
_GATED = ("E2m1NoSaturation", "ScaleNaN", "ScaleSubnormalFlush", "ZeroScalePolicy", "NegativeZero")
_SCREEN = 512  #: hypotheses that are tried on the whole sample without a look at a part of it
_GLANCE = 192  #: blocks of that part
_GAIN = 0.004  #: of the blocks and bytes, by which one more mistake has to come nearer
_ORDER = {flag: i for i, flag in enumerate(FLAGS)}


class Search:
    """One search over the readings of one tensor."""

    def __init__(
        self, cases: Sequence[Case], r: Recipe, scales: Mapping[int, tuple[Flaw, ...]] = MappingProxyType({})
    ) -> None:
        """Take the readings, the one that was asked for first if there is one.

        scales: the id of a case -> the tensor scales that its scale bytes allow, as flaws to begin with
        """
        self.cases, self.recipe = list(cases), r
        self.benches = {k: self._bench(v) for k, v in _by_source(self.cases).items()}
        first = self.benches[id(self.cases[0].source)]
        self.flaws = self._tried = catalogue(
            r, offsets((c for c in self.cases if c.source is self.cases[0].source), first)
        )
        begun = [Hypothesis(c, (f,)) for c in self.cases for f in scales.get(id(c), ())]
        self._beam = [*(Hypothesis(c) for c in self.cases), *begun]
        self._leaders: list[Hypothesis] = []
        self._gained = True
        self._twins: dict[Flaw, list[Flaw]] = {}  #: a mistake tried for others of its flag, and these

    def _bench(self, cases: list[Case]) -> Bench:
        """Return the blocks to look at: telling ones of the first reading, and of the one that fits best."""
        telling = (cases[0], min(cases, key=lambda c: int(np.count_nonzero(c.differing))))
        kinds = {id(c): (c.differing, ~c.differing) for c in telling}
        limit = SAMPLE if self.recipe.search is None else SAMPLE // _OF_A_SEARCH
        picked = [chosen(cases[0].source, among, self.recipe, limit) for k in kinds.values() for among in k]
        return Bench(self.recipe, cases[0].source, np.unique(np.concatenate(picked)))

    def simple(self) -> Explanation | None:
        """Return one mistake, beside a tensor scale at most, that explains every block; None if none does."""
        return self._round()

    def deep(self) -> Explanation:
        """Return the simplest explanation by more of them, or the one that leaves the fewest blocks."""
        for _ in range(self._depth() - 1):
            if not self._gained:  # no mistake came nearer to the bytes than none: more of them will not
                break
            found = self._round()
            if found is not None:
                return found
        return self._on_all(self._leader())

    def _leader(self) -> Hypothesis:
        """Return the best of each round's best: one more mistake has to halve what is left."""
        best, left = self._leaders[0], self._left(self._leaders[0])
        for h in self._leaders[1:]:
            leaves = self._left(h)
            if leaves <= left / 2 or not enough(left, h.case.wrong / h.case.source.size, len(best.flags)):
                best, left = (h, leaves) if leaves < left else (best, left)
        return best

    def _round(self) -> Explanation | None:
        """Add one mistake to every hypothesis under way; return what explains every block, if anything."""
        grown = [
            Hypothesis(h.case, (*h.flaws, f))
            for h in self._beam
            for f in self._tried
            if f not in h.flaws and not (f.flag == _SCALE and _SCALE in h.flags)
        ]
        before = self._scored(self._beam)
        scored, found = self._refined([*before, *self._scored(self._screened(grown))])
        if found is not None:
            return ties_first(self._by_name(self._as_asked(found)), self.recipe, self.flaws)
        if not self._leaders:
            self._tried = self._telling()
        self._gained = _best(scored) > _best(before) + _GAIN
        self._leaders.append(max(scored, key=lambda p: (p[0].exact, p[0].partial, -len(p[1].flags)))[1])
        self._beam = _leaders(scored)
        return None

    def _by_name(self, e: Explanation) -> Explanation:
        """Return an explanation without a solved tensor scale, where a mistake in its place does as well."""
        h = e.hypothesis
        solved = next((f for f in h.flaws if f.flag == _SCALE), None)
        if solved is None:
            return e
        rest = tuple(f for f in h.flaws if f is not solved)
        as_usual = [f for f in self.flaws if f.flag != _SCALE and (f.usual or not solved.usual)]
        others = [Hypothesis(h.case, (f, *rest)) for f in as_usual if f not in rest]
        left = [o for s, o in self._scored(others) if s.perfect]
        found = self._verified(self._ranked(left)) if left else None
        if not isinstance(found, Explanation):
            return e
        return Explanation(found.hypothesis, found.right, (*found.rivals, h))

    def _as_asked(self, e: Explanation) -> Explanation:
        """Return an explanation without its layout, where its mistakes do as well in the one asked for."""
        plain = Hypothesis(self.cases[0], e.hypothesis.flaws)
        if not e.hypothesis.case.flags or self.cases[0].flags or not plain.flaws:
            return e
        found = self._verified([plain])
        return Explanation(plain, found.right, e.rivals) if isinstance(found, Explanation) else e

    def _telling(self) -> tuple[Flaw, ...]:
        """Return the mistakes worth a place in a combination: those that alone change bytes, each way once.

        What only shows beside others stays: see `_GATED`. Where every scale byte is right, what changes
        scale bytes goes.
        """
        bench, case = self.benches[id(self.cases[0].source)], self.cases[0]
        right = bench.outcome(())
        assert right is not None
        keep_scales = not case.flags and bool((case.got.scales == case.want.scales).all())
        kept: list[Flaw] = []
        seen: dict[tuple[str | int, ...], Flaw] = {}
        for f in self.flaws:
            made = bench.outcome((f,))
            if made is None or (keep_scales and (made[1] != right[1]).any()):
                continue
            digest = _digest(made)
            key = digest if digest == _digest(right) else (f.flag, *digest)
            first = seen.setdefault(key, f)
            if f.flag in _GATED or (first is f and digest != _digest(right)):
                kept.append(f)
            else:
                self._twins.setdefault(first, []).append(f)
        return tuple(kept)

    def _screened(self, grown: list[Hypothesis]) -> list[Hypothesis]:
        """Return those of very many hypotheses that do best on a part of the sample."""
        if len(grown) <= _SCREEN or not self._leaders:
            return grown
        part = {k: b.part(_GLANCE) for k, b in self.benches.items()}
        scored = [(s, h) for h in grown if (s := part[id(h.case.source)].score(h)) is not None]
        kept = {id(h): h for s, h in scored if s.perfect}
        for key in (lambda p: -p[0].exact, lambda p: -p[0].partial):
            kept |= {id(h): h for _, h in sorted(scored, key=key)[: _SCREEN // 4]}
        return list(kept.values())

    def _left(self, h: Hypothesis) -> float:
        """Return the share of blocks that do not come out right, by some of them where there are many."""
        return 1 - float(reproduced(h, self.recipe, self._mixed(h)[:_COMPARED]).mean())

    def _mixed(self, h: Hypothesis) -> I64:
        """Return the positions of all blocks in a random order, always the same one."""
        rng = np.random.Generator(np.random.Philox(key=np.array([0, 0x5EA], dtype=np.uint64)))
        return rng.permutation(h.case.source.size)

    def _depth(self) -> int:
        wrong = self.cases[0].wrong
        return next((depth for below, depth in DEPTHS if wrong < below), DEEPEST)

    def _scored(self, hypotheses: Sequence[Hypothesis]) -> list[tuple[Score, Hypothesis]]:
        scored = []
        for h in hypotheses:
            s = self.benches[id(h.case.source)].score(h)
            if s is not None:
                scored.append((s, h))
        return scored

    def _refined(
        self, scored: list[tuple[Score, Hypothesis]]
    ) -> tuple[list[tuple[Score, Hypothesis]], Explanation | None]:
        """Return the scores, and what explains every block, if anything; counterexamples join the sample."""
        for _ in range(ROUNDS):
            perfect = [h for s, h in scored if s.perfect]
            if not perfect:
                break
            simplest = min(len(h.flags) for h in perfect)
            alike = self._ranked(self._with_twins([h for h in perfect if len(h.flags) == simplest]))
            found = self._verified(alike)
            if isinstance(found, Explanation):
                return scored, found
            self._add(alike[0].case, found)
            scored = self._scored([h for _, h in scored])
        return scored, None

    def _with_twins(self, found: list[Hypothesis]) -> list[Hypothesis]:
        """Return hypotheses and those of their mistakes' twins that do as well."""
        more = [
            Hypothesis(h.case, (*h.flaws[:i], twin, *h.flaws[i + 1 :]))
            for h in found
            for i, f in enumerate(h.flaws)
            for twin in self._twins.get(f, ())
        ]
        return [*found, *(h for s, h in self._scored(more) if s.perfect)]

    def _verified(self, left: list[Hypothesis]) -> Explanation | I64:
        """Return what explains every block, of those that do on the sample; else blocks they get wrong."""
        order = self._mixed(left[0])
        wrong: list[I64] = []
        for limit, many in _RACE:
            left = left[:many]
            part = order[:limit]
            misses = [part[~reproduced(h, self.recipe, part)] for h in left]
            wrong += [m[:_COUNTEREXAMPLES] for m in misses]
            if all(len(m) for m in misses):
                return np.unique(np.concatenate(wrong))
            left = [h for h, m in zip(left, misses, strict=True) if not len(m)]
            if limit is None or limit >= len(order):
                break
        first, *rivals = self._ranked(left)
        return Explanation(first, np.ones_like(first.case.differing), tuple(rivals))

    def _on_all(self, h: Hypothesis) -> Explanation:
        return Explanation(h, reproduced(h, self.recipe, np.arange(h.case.source.size)))

    def _add(self, c: Case, index: I64) -> None:
        old = self.benches[id(c.source)]
        self.benches[id(c.source)] = Bench(self.recipe, c.source, np.union1d(old.index, index))

    def _ranked(self, hypotheses: list[Hypothesis]) -> list[Hypothesis]:
        """Return explanations of the same blocks, the best first.

        Where all differences are near ties, a mistake of the last bits comes before others, and what
        normally changes many blocks comes last. Each flag is as likely as another beforehand, and each flaw
        of a flag as another of it: so the flag of which the larger share of flaws fits comes first, then the
        one that FLAGS has first.
        """
        last_bits = any(f in OF_LAST_BITS for h in hypotheses for f in h.flags)
        near = last_bits and self._near_ties_only(hypotheses[0].case)
        return ranked(hypotheses, self.flaws, prefer=OF_LAST_BITS if near else ())

    def _near_ties_only(self, c: Case) -> bool:
        differing = np.flatnonzero(c.differing)
        return bool(judged(Hypothesis(c), self.recipe, differing).near_ties.all())


def _by_source(cases: Sequence[Case]) -> dict[int, list[Case]]:
    """Return the readings by the tensor whose blocks they are: x or x transposed."""
    found: dict[int, list[Case]] = {}
    for c in cases:
        found.setdefault(id(c.source), []).append(c)
    return found


def _digest(made: tuple[AnyArray, ...]) -> tuple[str | int, ...]:
    return tuple(hash(a.tobytes()) for a in made)


def _best(scored: list[tuple[Score, Hypothesis]]) -> float:
    """Return how near the nearest hypothesis comes, by blocks and by bytes."""
    return max((s.exact + s.partial for s, _ in scored), default=0.0)


def ranked(
    hypotheses: list[Hypothesis], flaws: Sequence[Flaw], prefer: Sequence[str] = ()
) -> list[Hypothesis]:
    """Return explanations of the same blocks, the best first: see Search."""
    total = Counter(f.flag for f in flaws)
    fitting = Counter(h.flags for h in hypotheses)

    def key(h: Hypothesis) -> tuple[int, int, int, int, float, list[int]]:
        of_flag = 1
        for f in h.flaws:
            of_flag *= max(1, total[f.flag])
        rare = sum(not f.usual for f in h.flaws)
        bold = sum((f in SWEEPING) + (f not in prefer) for f in h.flags)
        solved = sum(f == _SCALE for f in h.flags)  # any mistake of the whole tensor's scale is one of these
        return (
            len(h.flags),
            rare,
            solved,
            bold,
            -fitting[h.flags] / of_flag,
            sorted(_ORDER[f] for f in h.flags),
        )

    return sorted(hypotheses, key=key)


def _leaders(scored: list[tuple[Score, Hypothesis]]) -> list[Hypothesis]:
    """Return the hypotheses that a further flaw may complete: the best by blocks and the best by bytes."""
    whole = sorted(scored, key=lambda p: (-p[0].exact, len(p[1].flags)))
    part = sorted(scored, key=lambda p: (-p[0].partial, -p[0].kept, len(p[1].flags)))
    kept: dict[int, Hypothesis] = {}
    for ranking in (whole, part):
        taken: Counter[tuple[str, ...]] = Counter()
        for _, h in ranking:
            if len(kept) >= 2 * BEAM or sum(taken.values()) >= BEAM:
                break
            if taken[h.flags] < _ALIKE:
                taken[h.flags] += 1
                kept[id(h)] = h
    return list(kept.values())
