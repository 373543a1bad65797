"""The smallest change of settings after which two recipes agree, in the names of the programs behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from fos_ref.dialects.disagreement import disagreement
from fos_ref.dialects.hardware import is_approximate, undecided_blocks
from fos_ref.dialects.matrix import block_words, Words
from fos_ref.engines.front import quantize
from fos_ref.formats.arrays import AnyArray, Bool
from fos_ref.recipes.recipe import Recipe
from fos_ref.recipes.settings.peers import program_of
from fos_ref.recipes.settings.program import Program

#: The tensors that count; read anew on every call.
Tensors = Callable[[], Iterable[AnyArray]]

#: Recipes that differ in one of these are other methods: if they agree on some tensor, it is by chance. No
#: change is advised that leaves one of these.
METHOD = (
    "element_format",
    "scale_format",
    "block_shape",
    "amax_scope",
    "candidates",
    "scale_max",
    "error_metric",
)
_VALUES = "dequantize"  #: the axis that changes values only, no byte


@dataclass(frozen=True, slots=True)
class Side:
    """One side: its program if it has settings, its recipe after the change, and the change."""

    program: Program | None
    recipe: Recipe
    change: dict[str, tuple[str | None, str]]


@dataclass(frozen=True, slots=True)
class Advice:
    """Two recipes near A and B, and whether they agree: on the tensors, or, without any, in every axis."""

    agree: bool
    a: Side
    b: Side
    blocks: int | None = None  #: of the tensors; None without any
    differing: int | None = None
    undecided: int | None = None  #: blocks that a chip decides, on either side

    @property
    def changes(self) -> int:
        """How many settings change."""
        return len(self.a.change) + len(self.b.change)

    @property
    def remaining(self) -> list[str]:
        """The axes in which the two still differ; on other data these may change bytes."""
        return [axis for axis in self.a.recipe.diff(self.b.recipe) if axis != _VALUES]

    @property
    def values_differ(self) -> bool:
        """Whether equal bytes may still be dequantized to other values."""
        return _VALUES in self.a.recipe.diff(self.b.recipe)


def advice(a: Recipe, b: Recipe, tensors: Tensors | None = None) -> Advice:
    """Return the smallest change of settings after which A and B agree; else the nearest that there is.

    With tensors, two recipes agree if no byte of any block differs and no chip decides one. Without, if no
    axis differs but the way back to values. A change leaves no axis of METHOD that differs. Of equally small
    changes, those on one side come first, then those that leave the fewest axes.
    """
    pairs = _pairs(a, b)
    if tensors is None:
        agreeing = [p for p in pairs if not p.remaining]
        return min(agreeing, key=_cost) if agreeing else min(pairs, key=_distance)
    tried = _Tried(tensors)
    for p in sorted(pairs, key=_cost):
        alike = not any(axis in METHOD for axis in p.remaining)
        if (alike or not p.changes) and tried.agree(p):
            return tried.measured(p, agree=True)
    return tried.measured(min(pairs, key=_distance), agree=False)


def _cost(p: Advice) -> tuple[int, bool, int, int, str, str]:
    both = bool(p.a.change) and bool(p.b.change)
    return p.changes, both, len(p.remaining), len(p.a.change), p.a.recipe.name, p.b.recipe.name


def _distance(p: Advice) -> tuple[int, int, tuple[int, bool, int, int, str, str]]:
    return sum(axis in METHOD for axis in p.remaining), len(p.remaining), _cost(p)


def _pairs(a: Recipe, b: Recipe) -> list[Advice]:
    found = [Advice(agree=False, a=mine, b=theirs) for mine in _sides(a) for theirs in _sides(b)]
    return [p if p.remaining else Advice(agree=True, a=p.a, b=p.b) for p in found]


def _sides(r: Recipe) -> list[Side]:
    """Return the recipe as it is, and every other that its program's settings lead to."""
    program = program_of(r)
    if program is None or all(p.diff(r) for p in program.presets()):
        return [Side(None, r, {})]  # no settings are known, or it is none of the program's own recipes
    others = [p for p in program.presets() if p.diff(r) and p.laid_out_as(r)]
    return [Side(program, r, {}), *(Side(program, p, program.change(r, p)) for p in others)]


@dataclass(slots=True)
class _Tried:
    """What was quantized of the first tensor, by recipe: most pairs part on it."""

    tensors: Tensors
    first: dict[Recipe, Words] = field(default_factory=dict)
    first_undecided: dict[Recipe, Bool] = field(default_factory=dict)

    def agree(self, p: Advice) -> bool:
        """Return whether no block differs and no chip decides one; stops at the first tensor that has one."""
        if not p.a.recipe.diff(p.b.recipe) and p.a.program is p.b.program:
            return True  # one program with the same settings
        for n, x in enumerate(self.tensors()):
            mine, theirs = (self._words(n, x, side.recipe) for side in (p.a, p.b))
            if mine.shape != theirs.shape or (mine != theirs).any() or self._undecided(n, x, p):
                return False
        return True

    def _words(self, n: int, x: AnyArray, r: Recipe) -> Words:
        if n:
            return block_words(quantize(x, r))
        if r not in self.first:
            self.first[r] = block_words(quantize(x, r))
        return self.first[r]

    def measured(self, p: Advice, *, agree: bool) -> Advice:
        """Return the pair with its counts over all tensors."""
        blocks = differing = undecided = 0
        for n, x in enumerate(self.tensors()):
            d = disagreement(x, p.a.recipe, p.b.recipe, explain=False)
            blocks, differing = blocks + d.blocks, differing + d.differing
            undecided += 0 if agree else self._undecided(n, x, p)
        return Advice(agree=agree, a=p.a, b=p.b, blocks=blocks, differing=differing, undecided=undecided)

    def _undecided(self, n: int, x: AnyArray, p: Advice) -> int:
        """Return how many blocks a chip decides on either side."""
        sides = [side.recipe for side in (p.a, p.b) if is_approximate(side.recipe)]
        masks = [self._mask(n, x, r) for r in sides]
        return int(np.count_nonzero(np.logical_or.reduce(masks))) if masks else 0

    def _mask(self, n: int, x: AnyArray, r: Recipe) -> Bool:
        if n:
            return undecided_blocks(x, r)
        if r not in self.first_undecided:
            self.first_undecided[r] = undecided_blocks(x, r)
        return self.first_undecided[r]
