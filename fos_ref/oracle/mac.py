"""The multiply-accumulate units on rational numbers, from their description; nothing of fos_ref.matmul."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from fos_ref.oracle.products import rounded

_FLOATS = tuple(Fraction(n, 2) for n in (0, 1, 2, 3, 4, 6, 8, 12))
_SIGN, _FLAG = 0x8, 0x80
#: float32(6/7) and float32(36/49).
_ONE, _BOTH = Fraction(0x5B6DB7 | 1 << 23, 1 << 24), Fraction(0x3C14E6 | 1 << 23, 1 << 24)

#: (codes of a, codes of w, scale byte of a, scale byte of w)
Beat = tuple[Sequence[int], Sequence[int], int, int]


def segment(beats: Sequence[Beat], *, is_if4: bool) -> Fraction:
    """Return the accumulator of a segment; the sign of a zero is lost."""
    lanes: list[Fraction] = []
    for beat in beats:
        products = _products(beat, is_if4=is_if4)
        lanes = [rounded(s + p) for s, p in zip(lanes, products, strict=True)] if lanes else products
    while len(lanes) > 1:
        lanes = [rounded(lanes[i] + lanes[i + 1]) for i in range(0, len(lanes), 2)]
    return lanes[0]


def _products(beat: Beat, *, is_if4: bool) -> list[Fraction]:
    a, w, a_scale, w_scale = beat
    ints = [is_if4 and bool(s & _FLAG) for s in (a_scale, w_scale)]
    scale = _scale(a_scale) * _scale(w_scale)
    if any(ints):
        scale = rounded(scale * (_BOTH if all(ints) else _ONE))
    return [rounded(_value(x, ints[0]) * _value(y, ints[1]) * scale) for x, y in zip(a, w, strict=True)]


def _value(code: int, is_int: bool) -> Fraction:  # noqa: FBT001 -- what the scale byte says
    if is_int:
        return Fraction(code - 16 if code & _SIGN else code)
    return -_FLOATS[code & 7] if code & _SIGN else _FLOATS[code & 7]


def _scale(byte: int) -> Fraction:
    low = min(byte & 0x7F, 0x7E)
    field, fraction = low >> 3, low & 0x7
    return Fraction(8 * (field > 0) + fraction) * Fraction(2) ** (max(field, 1) - 10)


def folded_segment(beats: Sequence[Beat], *, is_if4: bool) -> Fraction:
    """Return the accumulator of a segment whose beats are added exactly, each rounded once."""
    total = Fraction(0)
    for n, beat in enumerate(beats):
        value = rounded(exact_beat(beat, is_if4=is_if4))
        total = rounded(total + value) if n else value
    return total


def exact_beat(beat: Beat, *, is_if4: bool) -> Fraction:
    """Return the exact value of a beat; the ratio of INT4 is 6/7 itself."""
    a, w, a_scale, w_scale = beat
    ints = [is_if4 and bool(s & _FLAG) for s in (a_scale, w_scale)]
    total = Fraction(0)
    for x, y in zip(a, w, strict=True):
        total += _value(x, ints[0]) * _value(y, ints[1])
    scale = _scale(a_scale) * _scale(w_scale)
    for is_int in ints:
        scale *= Fraction(6, 7) if is_int else 1
    return total * scale
