"""Hypotheses on trial: what a reading of the bytes and a set of flaws make of sampled blocks, and of all."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np

from fos_ref.check.flaws.flaw import Flaw, steps_with
from fos_ref.check.layouts import Bytes
from fos_ref.check.population import Population, Source
from fos_ref.check.steps import walk
from fos_ref.formats.arrays import Bool, F64, I64, U8
from fos_ref.recipes.recipe import Recipe

CHUNK = 1 << 14  #: blocks walked at once
THREADS = 8  #: at most: a walk is short NumPy calls, which let each other run


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One reading of the bytes: its blocks, and where they differ from the recipe's."""

    flags: tuple[str, ...]
    what: str
    source: Source
    got: Bytes
    want: Bytes
    differing: Bool  #: (N,)
    wrong: int  #: blocks that differ read as they were asked for
    alike: float  #: share of equal code bytes, in blocks that differ or not
    at_stake: Bool  #: (N,) where the bytes, read as they were asked for, differ; all blocks of x transposed

    def without(self, void: Bool) -> Case:
        """Return the case with some blocks (N,) set aside: explained already, and evidence for nothing."""
        got = replace(self.got, void=void if self.got.void is None else self.got.void | void)
        away = int(np.count_nonzero(void & self.at_stake))
        return replace(
            self,
            got=got,
            differing=self.differing & ~void,
            wrong=max(0, self.wrong - away),
            at_stake=self.at_stake & ~void,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Hypothesis:
    """A reading and the flaws that are to explain the rest."""

    case: Case
    flaws: tuple[Flaw, ...] = ()

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags of both."""
        return (*self.case.flags, *(f.flag for f in self.flaws))


@dataclass(frozen=True, slots=True)
class Score:
    """How well a hypothesis does on a sample: shares of the differing and of the other blocks."""

    explained: float
    kept: float
    partial: float  #: share of bytes of the differing blocks

    @property
    def perfect(self) -> bool:
        """Whether every sampled block comes out as it was given."""
        return self.explained == 1 and self.kept == 1

    @property
    def exact(self) -> float:
        """One number for whole blocks."""
        return self.explained + self.kept


@dataclass(slots=True)
class Bench:
    """A sample of one tensor's blocks under a recipe, and what sets of flaws make of it."""

    recipe: Recipe
    source: Source
    index: I64
    _population: Population = field(init=False)
    _given: dict[int, Bytes] = field(init=False, default_factory=dict)
    _made: dict[tuple[Flaw, ...], tuple[U8, U8, Bool] | None] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._population = self.source.pick(self.index)

    def part(self, limit: int) -> Bench:
        """Return a bench of about `limit` of the blocks."""
        return Bench(self.recipe, self.source, self.index[:: max(1, len(self.index) // limit)])

    def outcome(self, flaws: tuple[Flaw, ...]) -> tuple[U8, U8, Bool] | None:
        """Return (codes, scale, where codes are free) of the blocks; None where flaws exclude each other."""
        if flaws not in self._made:
            steps = steps_with(self.recipe, flaws)
            w = None if steps is None else walk(self._population, steps)
            self._made[flaws] = None if w is None else (w.codes, w.scale, w.free)
        return self._made[flaws]

    def score(self, h: Hypothesis) -> Score | None:
        """Return how well h does here; None where its flaws exclude each other."""
        made = self.outcome(h.flaws)
        if made is None:
            return None
        if id(h.case) not in self._given:
            self._given[id(h.case)] = h.case.got.pick(self.index)
        got, at_stake = self._given[id(h.case)], h.case.at_stake[self.index]
        right, seen = got.equal(*made), got.seen
        alike = (got.codes == made[0]).mean(axis=1)
        same = 0.5 * got.same_scale(made[1]) + 0.5 * np.where(made[2], 1, alike)
        differs = at_stake & seen
        empty = 0.0 if at_stake.any() else 1.0  # what no byte speaks for is not explained
        return Score(
            _share(right[differs], empty), _share(right[~at_stake], 1.0), _share(same[differs], empty)
        )


def _share(a: Bool | F64, empty: float) -> float:
    return float(a.mean()) if a.size else empty


def reproduced(h: Hypothesis, r: Recipe, index: I64) -> Bool:
    """Return, for blocks at `index`, where the hypothesis gives the bytes that were given."""
    steps = steps_with(r, h.flaws)
    assert steps is not None
    parts = [index[start : start + CHUNK] for start in range(0, len(index), CHUNK)]

    def part_of(part: I64) -> Bool:
        w = walk(h.case.source.pick(part), steps)
        return h.case.got.pick(part).equal(w.codes, w.scale, w.free)

    if len(parts) <= 1:
        return np.concatenate([np.empty(0, dtype=np.bool_), *map(part_of, parts)])
    with ThreadPoolExecutor(min(len(parts), os.cpu_count() or 1, THREADS)) as pool:
        return np.concatenate(list(pool.map(part_of, parts)))
