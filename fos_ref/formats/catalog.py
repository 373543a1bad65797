"""Number formats as values: adding a format is adding one constant here.

A code is `[sign] [exponent field] [fraction field]`, or, for integers, one signed field. Everything a
codec needs follows from the few fields of FormatInfo; formats/codec.py holds the one algorithm.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Negatives(Enum):
    """How a format writes values below zero."""

    NONE = "none"  #: unsigned: a negative input is an error
    SIGN_MAGNITUDE = "sign-magnitude"  #: the top bit is the sign; -0 has a code of its own
    TWOS_COMPLEMENT = "twos-complement"  #: integers; there is no -0


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatInfo:
    """A number format of at most 32 bits."""

    name: str
    bits: int  #: width of a code
    exponent_bits: int  #: 0 for integers
    fraction_bits: int  #: stored fraction bits; for integers the magnitude bits
    bias: int  #: value = 2**(field - bias) * 1.fraction
    negatives: Negatives
    has_zero: bool = True  #: False for E8M0: exponent field 0 is a normal power of two
    inf_code: int | None = None  #: magnitude code of +infinity; None: infinity saturates
    nan_code: int | None = None  #: the one code that NaN encodes to; None: NaN has no code
    max_code: int  #: magnitude code of the largest finite value, where overflow saturates

    @property
    def emin(self) -> int:
        """Exponent of the smallest normal value (integers: of the unit spacing)."""
        if self.exponent_bits == 0:
            return self.fraction_bits
        return (1 if self.has_zero else 0) - self.bias

    @property
    def sign_shift(self) -> int:
        """Bit position of the sign (sign-magnitude formats)."""
        return self.bits - 1


def _float(name: str, exponent_bits: int, fraction_bits: int) -> FormatInfo:
    """Build an IEEE 754 binary format: infinities, NaNs, subnormals, overflow to infinity."""
    inf_code = ((1 << exponent_bits) - 1) << fraction_bits
    return FormatInfo(
        name=name,
        bits=1 + exponent_bits + fraction_bits,
        exponent_bits=exponent_bits,
        fraction_bits=fraction_bits,
        bias=(1 << (exponent_bits - 1)) - 1,
        negatives=Negatives.SIGN_MAGNITUDE,
        inf_code=inf_code,
        nan_code=inf_code | 1 << (fraction_bits - 1),
        max_code=inf_code - 1,
    )


#: FP4: +-{0, .5, 1, 1.5, 2, 3, 4, 6}. No NaN, no infinity; the hardware conversion turns NaN into +6.
E2M1 = FormatInfo(
    name="E2M1",
    bits=4,
    exponent_bits=2,
    fraction_bits=1,
    bias=1,
    negatives=Negatives.SIGN_MAGNITUDE,
    nan_code=0x7,
    max_code=0x7,
)

#: FP8 with 3 fraction bits: largest 448 = 0x7E, NaN 0x7F, no infinity; overflow saturates.
E4M3 = FormatInfo(
    name="E4M3",
    bits=8,
    exponent_bits=4,
    fraction_bits=3,
    bias=7,
    negatives=Negatives.SIGN_MAGNITUDE,
    nan_code=0x7F,
    max_code=0x7E,
)

#: E4M3 as a block scale: the sign bit is always 0.
UE4M3 = FormatInfo(
    name="UE4M3",
    bits=8,
    exponent_bits=4,
    fraction_bits=3,
    bias=7,
    negatives=Negatives.NONE,
    nan_code=0x7F,
    max_code=0x7E,
)

#: A power of two from 2**-127 to 2**127, NaN 0xFF, no zero.
E8M0 = FormatInfo(
    name="E8M0",
    bits=8,
    exponent_bits=8,
    fraction_bits=0,
    bias=127,
    negatives=Negatives.NONE,
    has_zero=False,
    nan_code=0xFF,
    max_code=0xFE,
)

#: Integers -7..7 in two's complement. Code 8 (-8) decodes and is never produced.
INT4 = FormatInfo(
    name="INT4",
    bits=4,
    exponent_bits=0,
    fraction_bits=3,
    bias=0,
    negatives=Negatives.TWOS_COMPLEMENT,
    max_code=0x7,
)

BFLOAT16 = _float("bfloat16", 8, 7)
FLOAT16 = _float("float16", 5, 10)
FLOAT32 = _float("float32", 8, 23)

FORMATS = {f.name: f for f in (E2M1, E4M3, UE4M3, E8M0, INT4, BFLOAT16, FLOAT16, FLOAT32)}
