"""What an element code means, as data: one row for each value of the axis `element_format` (N1).

A new format is a constant in fos_ref/formats/catalog.py and a row here. Every engine reads grids, widths and
constants from these rows. The constants are float32 bits, as the programs have them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from fos_ref.formats import (
    E2M0,
    E2M1,
    E2M3,
    E3M2,
    E4M3,
    E5M2,
    FormatInfo,
    INT3,
    INT4,
    INT6,
    INT8,
)
from fos_ref.recipes.axes import Candidates, ElementCast, ElementFormat
from fos_ref.recipes.searches import SEARCHES

ONE_BITS = 0x3F800000  #: of float32 1
NIBBLE = 4  #: the width of codes that are packed two a byte; others have a byte each
_FOUR_OVER_SIX = frozenset({Candidates.SIX, Candidates.FOUR, Candidates.FOUR_OVER_SIX}) | frozenset(SEARCHES)
_FOUR_OVER_SIX |= {Candidates.EDEN_16, Candidates.EDEN_128}
_LARGEST = frozenset({Candidates.LARGEST})
_FLOAT_OR_INT = frozenset({Candidates.FLOAT_OR_INT})
_NEAREST = frozenset({ElementCast.SATURATE})
_EVERY = frozenset(ElementCast)


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """The codes of one candidate, and for integers beside floats what relates the two grids."""

    format: FormatInfo
    rescale_bits: int = ONE_BITS  #: r, which the scaled value is multiplied by before the cast
    unit_bits: int = ONE_BITS  #: f, the worth of one step in the error and in dequantization


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """One value of the axis `element_format`."""

    first: Codes  #: of every block, or of those that keep the float format
    second: Codes | None = None  #: the integers that a block may keep instead
    casts: frozenset[ElementCast] = _NEAREST  #: what N9 may do; a format's own tie rule is the only one
    candidates: frozenset[Candidates] = _LARGEST
    maximum: int | float = field(init=False)  #: E, the largest value of the first format
    exponent: int = field(init=False)  #: that of the largest power of two among its values

    def __post_init__(self) -> None:
        largest = self.first.format.largest
        mantissa, exponent = largest.hex().split("p")
        assert mantissa.startswith("0x1")
        object.__setattr__(self, "maximum", int(largest) if largest.is_integer() else largest)
        object.__setattr__(self, "exponent", int(exponent))

    @property
    def width(self) -> int:
        """Bits of a code."""
        return self.first.format.bits

    @property
    def packed(self) -> bool:
        """Whether two codes share a byte."""
        return self.width == NIBBLE

    @property
    def is_integer(self) -> bool:
        """Whether every block holds integers."""
        return self.first.format.exponent_bits == 0

    @property
    def formats(self) -> tuple[FormatInfo, ...]:
        """The formats that a block may have."""
        return (self.first.format,) if self.second is None else (self.first.format, self.second.format)


def _one(fmt: FormatInfo) -> Element:
    return Element(first=Codes(format=fmt))


def _or(floats: FormatInfo, integers: FormatInfo, casts: frozenset[ElementCast], r: int, f: int) -> Element:
    second = Codes(format=integers, rescale_bits=r, unit_bits=f)
    return Element(first=Codes(format=floats), second=second, casts=casts, candidates=_FLOAT_OR_INT)


_DOWN = frozenset({ElementCast.TIES_TO_SMALLER})  #: fouroversix fp3.py: 0.5, 1.5 and 3 go down
_ELEMENTS: Mapping[ElementFormat, Element] = MappingProxyType(
    {
        ElementFormat.E2M1: Element(first=Codes(format=E2M1), casts=_EVERY, candidates=_FOUR_OVER_SIX),
        ElementFormat.INT4: Element(
            first=Codes(format=INT4), casts=_EVERY, candidates=frozenset({Candidates.SEVEN})
        ),
        ElementFormat.E2M0: Element(first=Codes(format=E2M0), casts=_DOWN),
        ElementFormat.E2M3: _one(E2M3),
        ElementFormat.E3M2: _one(E3M2),
        ElementFormat.E4M3: _one(E4M3),
        ElementFormat.E5M2: _one(E5M2),
        ElementFormat.INT3: _one(INT3),
        ElementFormat.INT6: _one(INT6),
        ElementFormat.INT8: _one(INT8),
        # fouroversix kernels/constants.py: 7/6 and 6/7, 3/4 and 4/3, 31/7.5 and 0.2419355, 31/28 and 28/31
        ElementFormat.E2M1_OR_INT4: _or(E2M1, INT4, _EVERY, 0x3F955555, 0x3F5B6DB7),
        ElementFormat.E2M0_OR_INT3: _or(E2M0, INT3, _DOWN, 0x3F400000, 0x3FAAAAAB),
        ElementFormat.E2M3_OR_INT6: _or(E2M3, INT6, _NEAREST, 0x40844444, 0x3E77BDF1),
        ElementFormat.E3M2_OR_INT6: _or(E3M2, INT6, _NEAREST, 0x3F8DB6DB, 0x3F6739CE),
    }
)


def element(fmt: ElementFormat) -> Element:
    """Return the row of a value of the axis."""
    return _ELEMENTS[fmt]
