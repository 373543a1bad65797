"""Number formats as values: adding a format is adding one constant here.

A code is `[sign] [exponent field] [fraction field]`, or, for integers, `[sign] [magnitude]` or one signed
field. Everything a codec needs follows from the few fields of FormatInfo; formats/codec.py holds the one
algorithm.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from math import ldexp


class Negatives(Enum):
    """How a format writes values below zero."""

    NONE = "none"  #: unsigned: a negative input is an error
    SIGN_MAGNITUDE = "sign-magnitude"  #: the top bit is the sign; -0 has a code of its own
    ONE_ZERO = "sign-magnitude, one zero"  #: integers; the code of -0 decodes and is never produced
    TWOS_COMPLEMENT = "twos-complement"  #: integers; there is no -0


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatInfo:
    """A number format of at most 32 bits."""

    name: str
    bits: int  #: width of a code
    exponent_bits: int  #: 0 for integers
    fraction_bits: int  #: stored fraction bits; for integers the magnitude bits
    bias: int  #: value = 2**(field - bias) * 1.fraction; of an integer k: k * 2**-bias
    negatives: Negatives
    has_zero: bool = True  #: False for E8M0: exponent field 0 is a normal power of two
    inf_code: int | None = None  #: magnitude code of +infinity; None: infinity saturates
    nan_code: int | None = None  #: the one code that NaN encodes to; None: NaN has no code
    max_code: int  #: magnitude code of the largest finite value, where overflow saturates

    @property
    def emin(self) -> int:
        """Exponent of the smallest normal value (integers: fraction_bits above that of the step)."""
        if self.exponent_bits == 0:
            return self.fraction_bits - self.bias
        return (1 if self.has_zero else 0) - self.bias

    @property
    def largest(self) -> float:
        """The largest finite value, exact."""
        field, fraction = divmod(self.max_code, 1 << self.fraction_bits)
        if field == 0 and self.has_zero:
            return ldexp(fraction, self.emin - self.fraction_bits)
        return ldexp(fraction + (1 << self.fraction_bits), field - self.bias - self.fraction_bits)

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


def _short(name: str, exponent_bits: int, fraction_bits: int) -> FormatInfo:
    """Build a format of a few bits: no NaN, no infinity; the hardware conversion turns NaN into +largest."""
    largest = (1 << (exponent_bits + fraction_bits)) - 1
    return FormatInfo(
        name=name,
        bits=1 + exponent_bits + fraction_bits,
        exponent_bits=exponent_bits,
        fraction_bits=fraction_bits,
        bias=(1 << (exponent_bits - 1)) - 1,
        negatives=Negatives.SIGN_MAGNITUDE,
        nan_code=largest,
        max_code=largest,
    )


def _integer(name: str, bits: int, negatives: Negatives, bias: int = 0) -> FormatInfo:
    """Build integers k with as many negative as positive values; one of them is worth k * 2**-bias."""
    return FormatInfo(
        name=name,
        bits=bits,
        exponent_bits=0,
        fraction_bits=bits - 1,
        bias=bias,
        negatives=negatives,
        max_code=(1 << (bits - 1)) - 1,
    )


E2M1 = _short("E2M1", 2, 1)  #: FP4: +-{0, .5, 1, 1.5, 2, 3, 4, 6}
E2M0 = _short("E2M0", 2, 0)  #: FP3: +-{0, 1, 2, 4}
E2M3 = _short("E2M3", 2, 3)  #: FP6: up to 7.5, subnormals in steps of 1/8
E3M2 = _short("E3M2", 3, 2)  #: FP6: up to 28, subnormals in steps of 1/16

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

#: FP8 with 2 fraction bits: largest 57344 = 0x7B, infinity 0x7C. NaN is what the hardware converts it to.
E5M2 = replace(_float("E5M2", 5, 2), nan_code=0x7F)

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

#: 8 bits of a block scale without a sign: largest 114688 = 0xFE, smallest 2**-17, NaN 0xFF.
UE5M3 = FormatInfo(
    name="UE5M3",
    bits=8,
    exponent_bits=5,
    fraction_bits=3,
    bias=15,
    negatives=Negatives.NONE,
    nan_code=0xFF,
    max_code=0xFE,
)

#: Integers -7..7 in two's complement. Code 8 (-8) decodes and is never produced.
INT4 = _integer("INT4", 4, Negatives.TWOS_COMPLEMENT)
INT3 = _integer("INT3", 3, Negatives.ONE_ZERO)
INT6 = _integer("INT6", 6, Negatives.ONE_ZERO)
#: MX: -127/64..127/64 in steps of 1/64. Code 80 (-2) decodes and is never produced.
INT8 = _integer("INT8", 8, Negatives.TWOS_COMPLEMENT, bias=6)

BFLOAT16 = _float("bfloat16", 8, 7)
FLOAT16 = _float("float16", 5, 10)
FLOAT32 = _float("float32", 8, 23)

_ELEMENTS = (E2M1, E2M0, E2M3, E3M2, E4M3, E5M2, INT3, INT4, INT6, INT8)
FORMATS = {f.name: f for f in (*_ELEMENTS, UE4M3, UE5M3, E8M0, BFLOAT16, FLOAT16, FLOAT32)}
