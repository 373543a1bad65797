"""The tree of dialects: which are the nearest, in what share of the blocks they differ, and by which axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

from fos_ref.formats.arrays import F64
from fos_ref.recipes import PRESETS


@dataclass(frozen=True, slots=True)
class Tree:
    """Dialects that were joined, the nearest first: a leaf is one dialect, a join has two trees.

    presets: of the nearest pair, one in each half; of a leaf the dialect's own
    axes:    those in which this pair differs; () for a leaf
    """

    leaves: tuple[int, ...]  #: dialects, alike ones beside each other
    share: float = 0.0  #: of the blocks that differ between the nearest pair of the two halves
    halves: tuple[Tree, ...] = ()
    presets: tuple[str, ...] = ()
    axes: tuple[str, ...] = field(default=())

    def joins(self) -> list[Tree]:
        """Return every join below, this one last."""
        return [j for half in self.halves for j in half.joins()] + ([self] if self.halves else [])


def tree(presets: Sequence[str], dialects: Sequence[Sequence[int]], share: F64) -> Tree:
    """Return the tree of dialects by single linkage: the two trees with the nearest pair are joined first.

    presets:  P names
    dialects: the places of the presets of each dialect; they agree on every block
    share:    (P, P) of the blocks that differ
    """
    trees = {i: Tree((i,), presets=tuple(presets[p] for p in places)) for i, places in enumerate(dialects)}
    first = [places[0] for places in dialects]
    pairs = sorted(combinations(range(len(dialects)), 2), key=lambda p: (share[first[p[0]], first[p[1]]], p))
    for i, j in pairs:
        if trees[i] is not trees[j]:
            nearest = _nearest(*([presets[p] for p in dialects[k]] for k in (i, j)))
            made = _joined(trees[i], trees[j], float(share[first[i], first[j]]), nearest)
            trees |= dict.fromkeys(made.leaves, made)
    return trees[0]


def _nearest(ours: Sequence[str], theirs: Sequence[str]) -> tuple[str, str]:
    """Return, of two dialects, the presets that differ in the fewest axes."""
    return min(((a, b) for a in ours for b in theirs), key=lambda pair: len(axes_between(*pair)))


def _joined(left: Tree, right: Tree, share: float, nearest: tuple[str, str]) -> Tree:
    first, second = sorted((left, right), key=lambda t: min(t.leaves))
    return Tree(first.leaves + second.leaves, share, (first, second), nearest, axes_between(*nearest))


def axes_between(a: str, b: str) -> tuple[str, ...]:
    """Return the axes in which two presets differ; () where one is of another edition and not known here."""
    if a not in PRESETS or b not in PRESETS:
        return ()
    return tuple(PRESETS[a].diff(PRESETS[b]))
