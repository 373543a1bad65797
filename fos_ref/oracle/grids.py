"""What the codes of a format are worth, in exact units, from the fields of the format's definition (N1)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import inf, nan

from fos_ref.oracle.exact import from_bits, ONE, Value
from fos_ref.recipes.axes import ElementFormat
from fos_ref.recipes.elements import Codes, element

UNIT = 149  #: a value is a whole number of 2**-149
TWOS_COMPLEMENT = "twos-complement"  #: how a definition calls it


@dataclass(frozen=True)
class Grid:
    """The codes of a candidate: magnitudes in order, how signs are written, factors around the cast."""

    sizes: tuple[int, ...]  #: of the magnitude codes from 0 to the largest finite one
    width: int
    integer: bool
    twos_complement: bool
    nan_code: int  #: what the hardware converts NaN to
    inf_code: int | None
    rescale: Value = ONE  #: applied to a scaled value before its cast
    unit: Value = ONE  #: the worth of one step

    @property
    def sign(self) -> int:
        """The top bit of a code."""
        return 1 << (self.width - 1)

    def value(self, code: int) -> Value:
        """Return what a code counts as, in steps; bits above it and the sign of a zero are lost."""
        code &= 2 * self.sign - 1
        if self.twos_complement:
            return (code - 2 * (code & self.sign)) * (self.sizes[1] if len(self.sizes) > 1 else 0)
        size = self._size(code & (self.sign - 1))
        return -size if code & self.sign else size

    def _size(self, code: int) -> Value:
        if code < len(self.sizes):
            return self.sizes[code]
        return inf if code == self.inf_code else nan


def _size(code: int, codes: Codes) -> int:
    """Return (1 + t / 2^k) * 2^(f - B), for f = 0 the subnormal; an integer counts in 2^-B."""
    fmt = codes.format
    if fmt.exponent_bits == 0:
        return code << (UNIT - fmt.bias)
    field, fraction = divmod(code, 1 << fmt.fraction_bits)
    significand = fraction + (1 << fmt.fraction_bits) if field else fraction
    return significand << (max(field, 1) - fmt.bias - fmt.fraction_bits + UNIT)


def _grid(codes: Codes) -> Grid:
    fmt = codes.format
    return Grid(
        sizes=tuple(_size(code, codes) for code in range(fmt.max_code + 1)),
        width=fmt.bits,
        integer=fmt.exponent_bits == 0,
        twos_complement=fmt.negatives.value == TWOS_COMPLEMENT,
        nan_code=fmt.max_code if fmt.nan_code is None else fmt.nan_code,
        inf_code=fmt.inf_code,
        rescale=from_bits(codes.rescale_bits),
        unit=from_bits(codes.unit_bits),
    )


@cache
def grids(fmt: ElementFormat) -> tuple[Grid, Grid]:
    """Return the grids of (map6, map4): of the first and the second candidate."""
    row = element(fmt)
    return _grid(row.first), _grid(row.second or row.first)


def exponent(grid: Grid) -> int:
    """Return the exponent of the largest power of two among the values of a grid."""
    return grid.sizes[-1].bit_length() - 1 - UNIT
