"""One weight beside its original: read, counted, and quantized anew by each contender, in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fos_ref.formats.arrays import AnyArray, Bool, U8
from fos_ref.inspect.contenders import Contender
from fos_ref.inspect.reading import Reading
from fos_ref.inspect.scales import WeightScales
from fos_ref.inspect.search import LOOK_VALUES, row_groups, Search
from fos_ref.inspect.source import Source
from fos_ref.inspect.tally import Tally, tally_rows
from fos_ref.inspect.weight import Compared
from fos_ref.model.trace import Scales
from fos_ref.recipes.recipe import BLOCK
from fos_ref.storage.held import Held
from fos_ref.storage.held_bytes import linear, Packed, row_chunks


@dataclass(slots=True)
class Pair:
    """A weight and its original, with one reading of the bytes."""

    packed: Packed
    source: Source
    known: WeightScales
    reading: Reading

    @property
    def held(self) -> Held:
        """The weight."""
        return self.packed.held

    def linear_scales(self) -> U8:
        """Return the block scales (N, K/block) as the reading has them."""
        return linear(self.packed.scales, self.held, self.reading.layout)

    def codes(self, rows: slice) -> U8:
        """Return rows of packed codes with the even element in the low nibble."""
        return self.reading.codes(self.packed.codes(rows), self.held.block)

    def scales_of(self, c: Contender, *, own: bool) -> tuple[Scales, str | None]:
        """Return the tensor scales for a contender, and whose amax makes them: its own, or as stored."""
        if own:
            return self.known.own(c.recipe), self.held.name
        return self.known.as_stored(c.recipe)

    def look(self, search: Search, contenders: Sequence[Contender], *, own: bool) -> tuple[list[int], int]:
        """Return (equal blocks by contender, blocks) of the first rows of each, few of them.

        Recipes that search take a hundred times as long: they have 0 where another one gives every block.
        """
        rows = slice(0, min(BLOCK, self.held.shape[0]))
        part = self._part(rows, self.linear_scales())
        cols = max(BLOCK * 2, LOOK_VALUES // BLOCK)
        x, codes, scales, real = (
            part.x[:, :cols],
            part.codes[:, : cols // 2],
            part.scales[:, : cols // self.held.block],
            part.real[:, : cols // self.held.block],
        )
        small = _Part(x, codes, scales, real)
        counts, blocks = [0] * len(contenders), int(real.sum())
        for slow in (False, True):
            if slow and max(counts) == blocks:
                break
            for i, c in enumerate(contenders):
                if (c.recipe.search is not None) is slow:
                    same = self._same(search, c, self.scales_of(c, own=own)[0], small)
                    counts[i] = int(np.count_nonzero(same))
        return counts, blocks

    def compare(self, search: Search, fraction: float, *, own: bool = False) -> Compared:
        """Return how many blocks each live contender gives, over a fraction of the weight."""
        live = {i: c for i, c in enumerate(search.contenders) if not c.dropped}
        made = {i: self.scales_of(c, own=own) for i, c in live.items()}
        owners = {i: owner for i, (_, owner) in made.items()}
        found = Compared(
            blocks=0, equal=dict.fromkeys(live, 0), owners=owners, clean=dict.fromkeys(live, 0), own_amax=own
        )
        scales = self.linear_scales()
        for group in row_groups(self.held.shape, fraction):
            part = _joined([self._part(rows, scales) for rows in group])
            blocks = int(part.real.sum())
            found.blocks += blocks
            for i, c in live.items():
                same = self._same(search, c, made[i][0], part)
                count = int(np.count_nonzero(same))
                found.equal[i] += count
                if count < blocks:
                    found.differ.setdefault(i, group[0])
                    found.clean[i] += _clean(same, part.real)
                else:
                    found.clean[i] += -(-len(same) // BLOCK)
            found.groups += -(-len(part.x) // BLOCK)
        return found

    def count(self) -> Tally:
        """Return the counts of the whole weight under this reading."""
        tally, scales = Tally(), self.linear_scales()
        for rows in row_chunks(self.held):
            tally_rows(tally, self.codes(rows), scales[rows])
        return tally

    def _same(self, search: Search, c: Contender, scales: Scales, part: _Part) -> Bool:
        """Return which blocks (R, B) are the contender's, padding aside."""
        r = c.recipe
        if part.x.shape[0] % r.block_rows or self.held.block != r.block_cols:
            return np.zeros_like(part.real)
        return search.equal(r, scales, part.x, part.codes, part.scales) & part.real

    def _part(self, rows: slice, scales: U8) -> _Part:
        real_rows, real_cols = self.source.real
        real = np.zeros((rows.stop - rows.start, scales.shape[1]), dtype=np.bool_)
        real[: max(0, real_rows - rows.start), : -(-real_cols // self.held.block)] = True
        return _Part(self.source.rows(rows), self.codes(rows), np.ascontiguousarray(scales[rows]), real)


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows of both."""

    x: AnyArray
    codes: U8
    scales: U8
    real: Bool  #: blocks that are not padding


def _joined(parts: Sequence[_Part]) -> _Part:
    if len(parts) == 1:
        return parts[0]
    return _Part(*(np.concatenate([getattr(p, k) for p in parts]) for k in ("x", "codes", "scales", "real")))


def _clean(same: Bool, real: Bool) -> int:
    """Return how many groups of 16 rows are equal in every block."""
    wrong: Bool = np.any(real & ~same, axis=1)
    return sum(not wrong[at : at + BLOCK].any() for at in range(0, len(wrong), BLOCK))
