"""The bytes of block scales that are no powers of two: E4M3 and E5M3, which differ in exponents alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from fos_ref.formats import decode, FormatInfo, UE4M3, UE5M3
from fos_ref.formats.arrays import F32, U8
from fos_ref.recipes.axes import ScaleFormat
from fos_ref.recipes.recipe import Recipe

FIRST_NORMAL = np.uint8(8)
MANTISSA, BINADE = np.uint8(7), 8


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """What the bytes of one format are worth."""

    format: FormatInfo

    @property
    def largest(self) -> np.uint8:
        """The byte of the largest scale."""
        return np.uint8(self.format.max_code)

    @property
    def nan(self) -> np.uint8:
        """The byte of NaN, which follows that of the largest scale."""
        return np.uint8(self.format.max_code + 1)

    @property
    def values(self) -> F32:
        """What each byte is worth, its sign bit aside where it has one."""
        return _values(self.format)

    def value(self, codes: U8) -> F32:
        """Return what bytes are worth."""
        worth: F32 = self.values[codes & self.nan]
        return worth

    @property
    def least_normal(self) -> np.float32:
        """The smallest normal scale."""
        return np.float32(self.values[FIRST_NORMAL])

    @property
    def most(self) -> np.float32:
        """The largest scale."""
        return np.float32(self.values[self.format.max_code])

    @property
    def beyond(self) -> np.float32:
        """What the byte of NaN would be in a format without it."""
        return np.float32(2 * self.most - self.values[self.format.max_code - 1])

    @property
    def overflow(self) -> np.float32:
        """Halfway between both."""
        return np.float32((self.most + self.beyond) / 2)


@cache
def _values(fmt: FormatInfo) -> F32:
    return decode(np.arange(1 << fmt.bits), fmt).astype(np.float32)


E4M3 = Book(UE4M3)
E5M3 = Book(UE5M3)


def book_of(r: Recipe) -> Book | None:
    """Return the book of a recipe's block scales; None where they are powers of two."""
    if r.scale_format.is_power:
        return None
    return E5M3 if r.scale_format is ScaleFormat.E5M3 else E4M3
