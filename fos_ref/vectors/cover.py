"""With how few vectors every mutant is killed: the smallest set cover, found exactly."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

Masks: TypeAlias = dict[int, int]  #: vector -> which mutants it kills, a bit for each


def smallest_cover(kills: Mapping[str, Collection[int]]) -> list[int]:
    """Return the fewest vectors of which at least one kills each mutant, the lowest numbers of equals.

    kills: by mutant, the vectors that kill it; none may be empty.
    Spec:  branch and bound over the mutant with the fewest vectors left. Vectors that kill nothing but what
           another one kills too are left out first.
    """
    masks: Masks = {}
    for bit, vectors in enumerate(kills.values()):
        for v in vectors:
            masks[v] = masks.get(v, 0) | 1 << bit
    useful = _undominated(masks)
    everything = (1 << len(kills)) - 1
    best = _greedy(useful, everything)
    return sorted(_search(useful, everything, [], best))


def _undominated(masks: Masks) -> Masks:
    """Return the vectors that kill something which no other vector kills besides all of theirs."""
    kept: Masks = {}
    for v in sorted(masks, key=lambda v: (-masks[v].bit_count(), v)):
        if not any(masks[v] | other == other for other in kept.values()):
            kept[v] = masks[v]
    return kept


def _greedy(masks: Masks, left: int) -> list[int]:
    found = []
    while left:
        v = max(masks, key=lambda v: ((masks[v] & left).bit_count(), -v))
        found.append(v)
        left &= ~masks[v]
    return found


def _search(masks: Masks, left: int, chosen: list[int], best: Sequence[int]) -> list[int]:
    """Return the best cover that begins with `chosen`, or `best` where there is none with fewer vectors."""
    if not left:
        return chosen
    most = max((mask & left).bit_count() for mask in masks.values())
    if len(chosen) + -(-left.bit_count() // most) >= len(best):
        return list(best)
    rarest = min(_bits(left), key=lambda bit: sum(mask >> bit & 1 for mask in masks.values()))
    for v in sorted(
        (v for v in masks if masks[v] >> rarest & 1), key=lambda v: -(masks[v] & left).bit_count()
    ):
        best = _search(masks, left & ~masks[v], [*chosen, v], best)
    return list(best)


def _bits(mask: int) -> list[int]:
    return [i for i in range(mask.bit_length()) if mask >> i & 1]
