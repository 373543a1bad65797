"""Two recipes on tensors: bytes, values, and the blocks that a chip decides; tensor by tensor and in all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from fos_ref.dialects.disagreement import AxisShare, Disagreement, disagreement
from fos_ref.dialects.hardware import undecided_blocks
from fos_ref.dialects.values import Sums, value_sums
from fos_ref.formats.arrays import AnyArray
from fos_ref.recipes.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Undecided:
    """How many blocks a chip's approximate reciprocals decide: of A, of B, of either."""

    a: int
    b: int
    either: int

    def __add__(self, other: Undecided) -> Undecided:
        """Return the counts of both."""
        return Undecided(self.a + other.a, self.b + other.b, self.either + other.either)


@dataclass(frozen=True, slots=True)
class Measured:
    """How two recipes differ on one tensor, or on many."""

    found: Disagreement
    values: Sums
    undecided: Undecided

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values; the counts of blocks at the top."""
        decided = {"hardware_decides": asdict(self.undecided)}
        return asdict(self.found) | decided | {"values": self.values.to_dict()}


def measure(x: AnyArray, a: Recipe, b: Recipe) -> Measured:
    """Return how two recipes differ on a tensor.

    Shapes:   x (R, C) as `quantize` takes it for both recipes
    Dtypes:   as for `quantize`
    Rounding: none of its own
    Raises:   InputError where the blocks have different widths; otherwise as `quantize`.
    """
    found = disagreement(x, a, b)
    masks = [undecided_blocks(x, r) for r in (a, b)]
    counts = (*masks, masks[0] | masks[1])
    return Measured(found, value_sums(x, a, b), Undecided(*(int(np.count_nonzero(m)) for m in counts)))


def total(measured: Sequence[Measured]) -> Measured:
    """Return the counts and sums over all tensors, which were measured with the same two recipes."""
    return Measured(
        reduce(_joined, (m.found for m in measured)),
        reduce(add, (m.values for m in measured)),
        reduce(add, (m.undecided for m in measured)),
    )


def _joined(a: Disagreement, b: Disagreement) -> Disagreement:
    numbers = [f.name for f in fields(Disagreement) if f.name != "axes"]
    theirs = {share.axes: share for share in b.axes}
    axes = [_share(mine, theirs[mine.axes]) for mine in a.axes]
    ranked = tuple(sorted(axes, key=lambda s: (-s.explained, -s.changed)))
    return Disagreement(**{k: getattr(a, k) + getattr(b, k) for k in numbers}, axes=ranked)


def _share(a: AxisShare, b: AxisShare) -> AxisShare:
    return AxisShare(a.axes, changed=a.changed + b.changed, explained=a.explained + b.explained)
