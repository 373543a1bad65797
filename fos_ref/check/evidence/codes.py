"""Scales and codes apart: which scale bytes are the recipe's, which codes are right for the stored ones."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from fos_ref.check.bench import Case, THREADS
from fos_ref.check.evidence.cells import code_cells, is_nan, scale_values
from fos_ref.check.flaws.flaw import Flaw, steps_with
from fos_ref.check.steps import tensor_scales
from fos_ref.formats.arrays import Bool, F32, I64, U8
from fos_ref.recipes.axes import ElementFormat
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.layout import unpack_nibbles

CHUNK = 1 << 15  #: blocks judged at once


@dataclass(frozen=True, slots=True)
class Counts:
    """How many bytes or values are equal to the recipe's, and how many codes are the nearest."""

    equal: int
    of: int
    nearest: int | None = None

    def to_dict(self) -> dict[str, int | None]:
        """Return the counts as JSON values."""
        d: dict[str, int | None] = {"equal": self.equal, "of": self.of}
        return d if self.nearest is None else d | {"nearest": self.nearest}


def scale_counts(c: Case) -> Counts:
    """Return how many scale bytes are the recipe's; those that a layout lost are not counted."""
    same = c.got.scales == c.want.scales
    known = np.ones_like(same) if c.got.known is None else c.got.known
    return Counts(int(np.count_nonzero(same & known)), int(np.count_nonzero(known)))


def code_counts(c: Case, r: Recipe, flaws: tuple[Flaw, ...] = ()) -> Counts:
    """Return how many codes are the recipe's, and how many the nearest under the scale that is stored.

    flaws: what is known of the tensor scale
    """

    def counted(part: I64) -> tuple[int, int]:
        different = c.got.codes[part] ^ c.want.codes[part]
        right, known = nearest_codes(c, r, part, flaws)
        wrong = np.count_nonzero(different & 15) + np.count_nonzero(different >> 4)
        return 2 * different.size - int(wrong), int(np.count_nonzero(right & known[:, None]))

    with ThreadPoolExecutor(min(os.cpu_count() or 1, THREADS)) as pool:
        found = list(pool.map(counted, parts(c)))
    return Counts(sum(e for e, _ in found), 2 * c.got.codes.size, sum(n for _, n in found))


def parts(c: Case) -> Iterator[I64]:
    """Yield the positions of all blocks, a chunk at a time."""
    for start in range(0, c.source.size, CHUNK):
        yield np.arange(start, min(start + CHUNK, c.source.size))


def nearest_codes(
    c: Case, r: Recipe, index: I64, flaws: tuple[Flaw, ...] = (), reach: str = "nearest"
) -> tuple[Bool, Bool]:
    """Return (N, n): where a code is the nearest under the stored scale; (N,): where that scale is known.

    Under a scale of zero every code has the same value, so each is the nearest.
    """
    y, codes, zero = scaled(c, r, index, flaws)
    right = _inside(y, codes, r, c.got.scales[index, :1], reach) | zero[:, None]
    known = ~is_nan(c.got.scales[index, 0], r)
    return right, known if c.got.known is None else known & c.got.known[index].all(axis=1)


def scaled(c: Case, r: Recipe, index: I64, flaws: tuple[Flaw, ...] = ()) -> tuple[F32, U8, Bool]:
    """Return (N, n) values over their stored scales, (N, n) codes, and (N,) where that scale is zero."""
    p = c.source.pick(index)
    steps = steps_with(r, flaws)
    assert steps is not None
    with np.errstate(all="ignore"):
        d = scale_values(c.got.scales[index, :1], r) * tensor_scales(p, steps).decode
        y = p.x[:, 0] / d
    return y, unpack_nibbles(c.got.codes[index]), np.asarray(d[:, 0] == 0)


def _inside(y: F32, codes: U8, r: Recipe, scales: U8, reach: str) -> Bool:
    integers = r.element_format is ElementFormat.INT4
    right = _in_cell(y, codes, integers=integers, reach=reach)
    if r.element_format is not ElementFormat.E2M1_OR_INT4:
        return right
    flagged = (scales & 0x80) != 0
    return np.where(flagged, _in_cell(y * np.float32(7 / 6), codes, integers=True, reach=reach), right)


def _in_cell(y: F32, codes: U8, *, integers: bool, reach: str) -> Bool:
    cells = code_cells(integers, reach)
    low, high = cells.low.astype(np.float32), cells.high.astype(np.float32)
    return np.asarray((low[codes] <= y) & (y <= high[codes]))
