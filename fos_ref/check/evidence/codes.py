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
from fos_ref.formats import FormatInfo
from fos_ref.formats.arrays import Bool, F32, I64, U8
from fos_ref.model.dequantize import holds_second
from fos_ref.model.elements import ELEMENT_FORMAT
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.layout import one_a_byte

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
    many = r.codes_per_byte

    def counted(part: I64) -> tuple[int, int]:
        different = c.got.codes[part] ^ c.want.codes[part]
        right, known = nearest_codes(c, r, part, flaws)
        wrong = np.count_nonzero(one_a_byte(different, r))
        return many * different.size - int(wrong), int(np.count_nonzero(right & known[:, None]))

    with ThreadPoolExecutor(min(os.cpu_count() or 1, THREADS)) as pool:
        found = list(pool.map(counted, parts(c)))
    return Counts(sum(e for e, _ in found), many * c.got.codes.size, sum(n for _, n in found))


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
    return y, one_a_byte(c.got.codes[index], r), np.asarray(d[:, 0] == 0)


def _inside(y: F32, codes: U8, r: Recipe, scales: U8, reach: str) -> Bool:
    first, second = ELEMENT_FORMAT[r.element_format]
    right = _in_cell(y, codes, first.format, reach)
    if r.element.second is None:
        return right
    other = _in_cell(y * second.rescale, codes, second.format, reach)
    return np.where(holds_second(scales, r), other, right)


def _in_cell(y: F32, codes: U8, fmt: FormatInfo, reach: str) -> Bool:
    cells = code_cells(fmt, reach)
    low, high = cells.low.astype(np.float32), cells.high.astype(np.float32)
    codes = codes & np.uint8((1 << fmt.bits) - 1)  # a stray bit of a byte is no code's
    return np.asarray((low[codes] <= y) & (y <= high[codes]))
