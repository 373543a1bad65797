"""The random words of a matrix, and the random numbers of values or blocks in them (N7, N9)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fos_ref.formats import E2M1
from fos_ref.formats.arrays import AnyArray, Bool, F32, F64, U32
from fos_ref.model.blocks import to_blocks
from fos_ref.random.feeds import deal, Feed
from fos_ref.random.rules import between
from fos_ref.recipes.recipe import Recipe

_SIX = 6.0


@dataclass(frozen=True, slots=True)
class RandomBits:
    """The words of a matrix (R, C), checked: (K, R, G) uint32.

    K is 2 where two candidates have draws of their own, else 1. A word serves C/G values of a row.
    """

    words: U32

    def rows(self, chunk: slice) -> RandomBits:
        """Return the words of some rows."""
        return RandomBits(self.words[:, chunk])

    def numbers(self, r: Recipe) -> tuple[U32, U32]:
        """Return the random numbers of the first and the second candidate; they may be the same.

        Shapes: -> (T, B, n) each, one for each value; where block scales are rounded (T, B)
        Dtypes: uint32, from 0 to 2^N - 1, N the recipe's `random_width`
        """
        if not r.rounds_elements:
            return self.words[0], self.words[0]
        assert r.random_feed is not None
        feed = Feed(r.random_feed.value)
        each = [to_blocks(deal(w, feed, r.random_width), r.block_rows, r.block_cols) for w in self.words]
        return each[0], each[-1]


def counted(numbers: U32, width: int) -> F32:
    """Return the uniform numbers R / 2^N, exact where N is at most 24."""
    return np.ldexp(numbers.astype(np.float32), -width)


def places(scaled: F32) -> F64:
    """Return nu, the place of each magnitude between its E2M1 neighbours, from 0 to below 1: exact.

    NaN for NaN; 0 from 6 on, where no random number moves a value.
    """
    a = np.abs(scaled.astype(np.float64))
    nu = between(np.where(np.isnan(a), 0.0, np.minimum(a, _SIX)), E2M1).nu
    return np.where(np.isnan(a), np.nan, nu)


def went_up(scaled: F32, codes: AnyArray) -> Bool:
    """Return where the magnitude of a code is above that of the scaled value's lower neighbour."""
    a = np.abs(scaled.astype(np.float64))
    below = between(np.where(np.isnan(a), 0.0, np.minimum(a, _SIX)), E2M1).below
    up: Bool = (codes & np.uint8(E2M1.max_code)) > below
    return up & ~np.isnan(a)
