"""Products of two quantized rows on rational numbers: exact, certified, and as accumulators round them.

The terms, the powers of two and the roundings are written out on Fractions. Nothing is shared with
fos_ref.matmul.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

_FLOATS = {"E2M0": (0, 1), "E2M1": (1, 1), "E2M3": (3, 1), "E3M2": (2, 3), "E4M3": (3, 7), "E5M2": (2, 15)}
_INTEGERS = {"INT3": (3, False, 0), "INT4": (4, True, 0), "INT6": (6, False, 0), "INT8": (8, True, 6)}
#: The step of the integers beside floats: the ratio of both maxima.
_STEPS = {
    "E2M1|INT4": Fraction(6, 7),
    "E2M0|INT3": Fraction(4, 3),
    "E2M3|INT6": Fraction(15, 62),
    "E3M2|INT6": Fraction(28, 31),
}
_FLAG = 0x80
_NAN = {"E4M3": 0x7F, "E8M0": 0xFF}
_DIGITS, _LOWEST = 24, -149
_ZERO_EXPONENT = -126
_GROUP = 16


@dataclass(frozen=True, slots=True)
class Line:
    """A row: codes one by one, a scale byte a block; what both mean."""

    codes: Sequence[int]
    scales: Sequence[int]
    elements: str  #: the name of the axis, as "E2M1" or "E2M1|INT4"
    scale_form: str  #: "E4M3" or "E8M0"

    @property
    def block(self) -> int:
        """Values under one scale byte."""
        return len(self.codes) // len(self.scales)

    def scale(self, k: int) -> Fraction | None:
        """Return the block scale of value k; None for NaN."""
        byte = self.scales[k // self.block]
        if self.scale_form == "E8M0":
            return None if byte == _NAN["E8M0"] else Fraction(2) ** (byte - 127)
        field, fraction = byte >> 3 & 0xF, byte & 0x7
        if byte & 0x7F == _NAN["E4M3"]:
            return None
        return Fraction(8 * (field > 0) + fraction) * Fraction(2) ** (max(field, 1) - 10)

    def scale_exponent(self, k: int) -> int:
        """Return the exponent of the block scale, as its field has it."""
        byte = self.scales[k // self.block]
        if self.scale_form == "E8M0":
            return byte - 127
        return max(byte >> 3 & 0xF, 1) - 7 if byte & 0x7F else _ZERO_EXPONENT

    def element(self, k: int) -> Fraction:
        """Return what the code of value k counts as; times 6/7 where a flag says so."""
        first, _, second = self.elements.partition("|")
        flagged = bool(self.scales[k // self.block] & _FLAG) and bool(second)
        value = code_value(self.codes[k], second if flagged else first)
        return value * _STEPS[self.elements] if flagged else value


def code_value(code: int, form: str) -> Fraction:
    """Return what a code counts as."""
    if form in _INTEGERS:
        bits, complement, places = _INTEGERS[form]
        half, code = 1 << (bits - 1), code & ((1 << bits) - 1)
        low = code & (half - 1)
        signed = low - half if complement else -low
        return Fraction(signed if code & half else low, 1 << places)
    fraction_bits, bias = _FLOATS[form]
    sign = 1 << (int(form[1]) + fraction_bits)
    field, fraction = (code & (sign - 1)) >> fraction_bits, code & ((1 << fraction_bits) - 1)
    whole = fraction + ((field > 0) << fraction_bits)
    size = Fraction(whole) * Fraction(2) ** (max(field, 1) - bias - fraction_bits)
    return -size if code & sign else size


def has_nan(a: Line, b: Line) -> bool:
    """Return whether the output meets a NaN block scale."""
    return any(line.scale(k) is None for line in (a, b) for k in range(0, len(line.codes), line.block))


def element_terms(a: Line, b: Line) -> list[Fraction]:
    """Return the single products."""
    found = []
    for k in range(len(a.codes)):
        left, right = a.scale(k), b.scale(k)
        assert left is not None
        assert right is not None
        found.append(a.element(k) * left * b.element(k) * right)
    return found


def group_terms(a: Line, b: Line) -> list[Fraction]:
    """Return the products of 16 values (of fewer where a block has fewer)."""
    terms = element_terms(a, b)
    size = min(_GROUP, a.block, b.block)
    return [total(terms[k : k + size]) for k in range(0, len(terms), size)]


def total(terms: Iterable[Fraction]) -> Fraction:
    """Return the exact sum."""
    found = Fraction(0)
    for t in terms:
        found += t
    return found


def lowest_bit(t: Fraction) -> int:
    """Return u of a dyadic rational: it is an odd multiple of 2^u."""
    n, d = abs(t.numerator), t.denominator
    return (n & -n).bit_length() - 1 - (d.bit_length() - 1)


def certified(terms: Sequence[Fraction]) -> bool:
    """Return whether max(P, N) <= 2^(24+u), by its definition."""
    some = [t for t in terms if t]
    if any(t.denominator & (t.denominator - 1) for t in some):
        return False
    if not some:
        return True
    unit = min(map(lowest_bit, some))
    positive, negative = total(t for t in some if t > 0), -total(t for t in some if t < 0)
    larger = max(positive, negative)
    return larger <= Fraction(2) ** (_DIGITS + unit) and unit >= _LOWEST and larger < Fraction(2) ** 128


def keeps_alignment(a: Line, b: Line, bits: int = 35) -> bool:
    """Return whether the lowest bit of the group products lies in `bits` below the largest pair of scales."""
    some = [t for t in group_terms(a, b) if t]
    if not some or any(t.denominator & (t.denominator - 1) for t in some):
        return not some
    top = max(a.scale_exponent(k) + b.scale_exponent(k) for k in range(len(a.codes)))
    return min(map(lowest_bit, some)) >= top - bits


# --- float32 ------------------------------------------------------------------------------------------


def exponent_of(value: Fraction) -> int:
    """Return floor(log2 abs(value))."""
    n, d = abs(value.numerator), value.denominator
    e = n.bit_length() - d.bit_length()
    return e if abs(value) >= Fraction(2) ** e else e - 1


def rounded(value: Fraction, mode: str = "nearest") -> Fraction:
    """Return a float32 value: "nearest" (ties to even), "zero", "up" or "down"; nothing overflows here."""
    if not value:
        return value
    step = Fraction(2) ** max(exponent_of(value) - _DIGITS + 1, _LOWEST)
    units = value / step
    below = units.numerator // units.denominator
    if mode == "nearest":
        rest = units - below
        up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and below % 2 == 1)
        return (below + up) * step
    exact = below == units
    if mode == "up" or (mode == "zero" and value < 0):
        return (below + (not exact)) * step
    return below * step


def sequential(terms: Iterable[Fraction], mode: str = "nearest") -> Fraction:
    """Return the float32 sum in order, each addition rounded."""
    found = Fraction(0)
    for t in terms:
        found = rounded(found + t, mode)
    return found


def tree(terms: Sequence[Fraction], mode: str = "nearest") -> Fraction:
    """Return the float32 sum by halves."""
    if len(terms) < 2:  # noqa: PLR2004
        return terms[0] if terms else Fraction(0)
    middle = len(terms) // 2
    return rounded(tree(terms[:middle], mode) + tree(terms[middle:], mode), mode)


def tensor_core(a: Line, b: Line, bits: int = 35, step: int = 64) -> Fraction:
    """Return the accumulator of the published FP4 model: groups cut to `bits`, one rounding toward zero."""
    terms = group_terms(a, b)
    size = min(_GROUP, a.block, b.block)
    exponents = [a.scale_exponent(k) + b.scale_exponent(k) for k in range(0, len(a.codes), size)]
    found, per_step = Fraction(0), step // size
    for start in range(0, len(terms), per_step):
        ends = slice(start, start + per_step)
        found = fused(found, terms[ends], exponents[ends], bits)
    return found


def half_core(a: Line, b: Line, bits: int, step: int) -> Fraction:
    """Return the accumulator of the published float16 model: single products, each cut to `bits`."""

    def exponent(line: Line, k: int) -> int:
        scale = line.scale(k)
        assert scale is not None
        value = line.element(k) * scale
        return exponent_of(value) if value else _ZERO_EXPONENT

    terms = element_terms(a, b)
    exponents = [exponent(a, k) + exponent(b, k) for k in range(len(terms))]
    found = Fraction(0)
    for start in range(0, len(terms), step):
        ends = slice(start, start + step)
        found = fused(found, terms[ends], exponents[ends], bits)
    return found


def fused(c: Fraction, terms: Sequence[Fraction], exponents: Sequence[int], bits: int) -> Fraction:
    """Return c and the terms, each cut toward zero at `bits` below the largest exponent, added, cut to 24."""
    own = max(exponent_of(c), _ZERO_EXPONENT) if c else _ZERO_EXPONENT
    unit = Fraction(2) ** (max([own, *exponents]) - bits)
    cut = [int(t / unit) * unit for t in (c, *terms)]
    return rounded(total(cut), "zero")
