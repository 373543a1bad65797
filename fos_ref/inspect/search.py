"""Which dialect made the quantized weights of a file: originals quantized anew by every preset that fits.

Presets that differ in nothing that finite input shows are one contender. A first look at a few rows of
weights from all over the file leaves those that do best there, on all of them or on any one; these are
compared block by block with the whole file. Blocks of a damaged weight are equal by chance: they set a
contender back only where it has fewer than the damage can explain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from fos_ref.engines.registry import Engine, get_engine
from fos_ref.formats.arrays import AnyArray, Bool, U8
from fos_ref.formats.environment import check_float_environment
from fos_ref.inspect.contenders import Contender
from fos_ref.model.trace import Scales
from fos_ref.recipes.recipe import BLOCK, Recipe

CHUNK_VALUES = 1 << 18  #: quantized at once by each contender
LOOKS = 8  #: weights that the first look takes rows of
LOOK_VALUES = 1 << 14  #: of each of them
GRACE = 4  #: blocks by which a contender that stays may be behind the best


@dataclass(slots=True)
class Search:
    """The contenders for the weights of one format."""

    contenders: list[Contender]
    values: int  #: about how many values will be compared; decides on the engine
    engines: dict[Recipe, Engine] = field(default_factory=dict)
    behind: dict[int, int] = field(default_factory=dict)  #: by contender: blocks behind the best

    @property
    def live(self) -> list[Contender]:
        """Those that are compared with the whole file."""
        return [c for c in self.contenders if not c.dropped]

    def equal(self, r: Recipe, scales: Scales, x: AnyArray, packed: U8, block_scales: U8) -> Bool:
        """Return which blocks (R, B) of x (R, K) a recipe gives with this scale byte and these codes."""
        check_float_environment()
        codes, made, _ = self._engine(r).quantize(np.ascontiguousarray(x), scales, r)
        same: Bool = made == block_scales
        words = _words(codes, block_scales.shape) == _words(packed, block_scales.shape)
        found: Bool = same & words.all(axis=-1)
        return found

    def look(self, equal: Sequence[Sequence[int]], sizes: Sequence[int]) -> None:
        """Keep the contenders that did best: `equal[i][j]` blocks of sizes[i] of weight i by contender j."""
        if not sizes:
            return
        got = np.asarray(equal)
        behind = got.max(axis=1, keepdims=True) - got  # a damaged weight sets nobody back
        near = behind.sum(axis=0) <= behind.sum(axis=0).min() + GRACE
        best = (behind == 0) & (got * 2 >= np.asarray(sizes)[:, None])
        kept = near | best.any(axis=0)
        for c, keep in zip(self.contenders, kept.tolist(), strict=True):
            c.dropped = not keep and not c.kept

    def drop_the_beaten(self, equal: Mapping[int, int], blocks: int) -> None:
        """Drop contenders that fell behind one that gives every block; `better` may take one back."""
        most = max(equal.values(), default=0)
        for i, n in equal.items():
            self.behind[i] = self.behind.get(i, 0) + most - n
        if most == blocks:
            for i, n in equal.items():
                c = self.contenders[i]
                c.dropped |= n < blocks and self.behind[i] > GRACE and not c.kept

    def set_back(self, equal: Mapping[int, int], blocks: int) -> None:
        """Hold against each contender the blocks of a weight that it lacks and the best has.

        A block that even the best lacks is damaged, or no contender's. The best may have as many more by
        chance as it lacks: so many are held against nobody, and any one in a weight that it gives whole.
        """
        most = max(equal.values(), default=0)
        for i, c in enumerate(self.contenders):
            fewer = most - equal.get(i, 0)
            c.behind += fewer if fewer > blocks - most else 0

    def ranked(self) -> list[Contender]:
        """Return the contenders, the best first; one that was dropped is never before one that was not.

        Of those that are equally far behind, the one of more own tensor scales is before; then the one of
        more equal blocks, if they are more than `GRACE`; then the one that is preferred.
        """
        most: dict[tuple[int, ...], int] = {}
        for c in self.contenders:
            c.standing = (c.dropped, c.behind, -c.own_tensor_scales)
            most[c.standing] = max(c.equal, most.get(c.standing, 0))
        for c in self.contenders:
            fewer = most[c.standing] - c.equal
            c.standing += (0 if fewer <= GRACE < c.equal else fewer,)
        return sorted(self.contenders, key=lambda c: c.standing)

    def _engine(self, r: Recipe) -> Engine:
        if r not in self.engines:
            self.engines[r] = get_engine("auto", r, self.values * max(1, len(self.live)))
        return self.engines[r]


def _words(packed: U8, shape: tuple[int, ...]) -> AnyArray:
    """Return packed codes (R, K/2) as 64-bit words (R, B, 1 or 2)."""
    return np.ascontiguousarray(packed).view(np.uint64).reshape(*shape, -1)


def row_groups(shape: tuple[int, int], fraction: float) -> Iterator[list[slice]]:
    """Return groups of 16 rows, evenly spaced over a weight, about `fraction` of it, in chunks.

    The last group may be shorter.
    """
    rows, cols = shape
    if fraction >= 1.0:
        step = max(1, CHUNK_VALUES // (BLOCK * cols)) * BLOCK
        yield from ([slice(r, min(r + step, rows))] for r in range(0, rows, step))
        return
    groups = -(-rows // BLOCK)
    taken = np.unique(np.linspace(0, groups - 1, max(1, round(groups * fraction))).astype(np.int64))
    slices = [slice(g * BLOCK, min((g + 1) * BLOCK, rows)) for g in taken.tolist()]
    step = max(1, CHUNK_VALUES // (BLOCK * cols))
    yield from (slices[at : at + step] for at in range(0, len(slices), step))
