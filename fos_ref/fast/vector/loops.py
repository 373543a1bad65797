"""The loops that are written as vector instructions, because plain Numba takes longer (docs/engine.md).

Each works on the 16 lanes from `group` on. Beside a line stands what it does in NumPy; a row's name means
these lanes of the row: amax is w[AMAX + group :][:16]. Scaled values are below 7 in size (filter.regular).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from numba import types
from numba.core.typing.templates import Signature
from numba.extending import intrinsic

from fos_ref.fast import codec
from fos_ref.fast.lanes import AMAX, CHOSEN, LANES, SUM4, SUM6, X
from fos_ref.fast.vector.registers import ABS, Array, Floats, Index, WIDTH, Words

_EXPONENT, _ONE = int(codec.EXPONENT), int(codec.ONE)
_SHIFT = int(codec.E2M1_SHIFT)
_FIRST = int(codec.E2M1_FIRST) >> 22
_EVERY_NIBBLE = 0x11111111
CODES_PER_WORD = 8
QUARTER = 4  #: words of 128 bits


def _within_quarters(*lanes: int) -> list[int]:
    """Return lanes of two vectors, the same within each quarter: 0..3 of the first, 4..7 of the second."""
    second = WIDTH - QUARTER
    return [q + (i if i < QUARTER else i + second) for q in range(0, WIDTH, QUARTER) for i in lanes]


_PAIRS = (_within_quarters(0, 4, 1, 5), _within_quarters(2, 6, 3, 7))
_FOURS = (_within_quarters(0, 1, 4, 5), _within_quarters(2, 3, 6, 7))
#: Even or odd quarters of the first vector, then of the second.
_QUARTERS = [[QUARTER * q + i for q in range(odd, 8, 2) for i in range(QUARTER)] for odd in (0, 1)]


def _joined(rows: Sequence[Words], apart: int, halves: Sequence[Sequence[int]]) -> list[Words]:
    """Return, of every two rows that are `apart`, what two lists of lanes pick, in their place."""
    m = list(rows)
    for n in (n for n in range(WIDTH) if not n & apart):
        a, b = m[n], m[n + apart]
        m[n], m[n + apart] = (a.pick(b, lanes) for lanes in halves)
    return m


def transposed(rows: Sequence[Words]) -> list[Words]:
    """Return the columns of a 16 x 16 matrix given by rows.

    Words are interleaved within quarters of the vectors, then pairs of words, then quarters, twice: the first
    two stages stay within 128 bits, which is cheap everywhere. Of every four columns the middle two come in
    each other's place.
    """
    m = _joined(_joined(rows, 1, _PAIRS), 2, _FOURS)
    m = _joined(_joined(m, 4, _QUARTERS), 8, _QUARTERS)
    return [m[q + i] for q in range(0, WIDTH, QUARTER) for i in (0, 2, 1, 3)]


def _reader(*, halves: bool) -> Any:
    """Return an intrinsic that reads 16 blocks of x into region X, transposed, and keeps the block amaxes."""

    @intrinsic
    def read16(
        typingctx: object,
        w: types.Array,
        x: types.Array,
        first: types.Integer,
        apart: types.Integer,
        row: types.Integer,
        group: types.Integer,
    ) -> tuple[Signature, object]:
        """Read 16 values each of blocks at x[first], x[first + apart]..., into the rows from value `row` on.

        Half words become the upper halves of words: bfloat16 becomes float32.
        """

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            w, x = Array.all_of(context, builder, signature.args[:2], args[:2])
            first, apart, row, group = (Index(builder, a) for a in args[2:])
            blocks = []  # blocks = x[first : first + 16 * apart].reshape(16, apart)[:, :16]
            for at in (first + apart * i for i in range(WIDTH)):
                x.prefetch(at)
                blocks.append(x.halves(at) << 16 if halves else x.words(at))
            most = w.words(group + AMAX)  # most = amax
            for j, value in enumerate(transposed(blocks)):  # for j, value in enumerate(blocks.T):
                w.set_words(row * LANES + group + (X + j * LANES), value)  # X[row + j] = value
                most = most.maximum(value & ABS)  # most = np.maximum(most, abs(value))
            w.set_words(group + AMAX, most)  # amax = most
            return context.get_dummy_value()

        return types.void(w, x, types.intp, types.intp, types.intp, types.intp), codegen

    return read16


read16_words, read16_halves = _reader(halves=False), _reader(halves=True)


def _magic(y: Floats) -> Words:
    """Return the bits of m = 2^22 * max(2^e, 1) for magnitudes of exponent e: y + m is rounded to E2M1."""
    return (y.words() & _EXPONENT).maximum(_ONE) + _SHIFT


def _adder(join: Callable[[Floats, Floats], Floats], term: Callable[[Floats], Floats]) -> Any:
    """Return an intrinsic that adds up the cheap errors of both candidates."""

    @intrinsic
    def sum16(
        typingctx: object,
        w: types.Array,
        row: types.Integer,
        group: types.Integer,
        factor6: types.Integer,
        factor4: types.Integer,
    ) -> tuple[Signature, object]:
        """Add the errors of the 16 values from `row` on to rows SUM6 and SUM4.

        The values' factors are in the rows factor6 and factor4.
        """

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            (w,) = Array.all_of(context, builder, signature.args[:1], args[:1])
            row, group, *rows = (Index(builder, a) for a in args[1:])
            factors = [w.words(group + at).floats() for at in rows]
            magnitudes = []
            for j in range(WIDTH):  # a = abs(X[row : row + 16])
                x = w.words(row * LANES + group + (X + j * LANES)).floats()
                magnitudes.append(x.absolute())
            for at, factor in zip((SUM6, SUM4), factors, strict=True):  # for both candidates:
                terms = []
                for a in magnitudes:
                    y = a * factor  # y = a * factor
                    m = _magic(y).floats()
                    terms.append(term(y + m - m - y))  # term = (e2m1(y) - y) ** 2, or its magnitude
                total = reduce(join, terms)  # total = terms.sum(axis=0), or the maximum
                w.set_words(group + at, join(w.words(group + at).floats(), total).words())  # sum += total
            return context.get_dummy_value()

        return types.void(w, types.intp, types.intp, types.intp, types.intp), codegen

    return sum16


sum16_square = _adder(lambda total, v: total + v, lambda d: d * d)
sum16_magnitude = _adder(lambda total, v: total + v, lambda d: d.absolute())
sum16_maximum = _adder(lambda total, v: total.maximum(v), lambda d: d.absolute())


def _steps(y: Floats) -> Words:
    """Return the E2M1 codes of magnitudes, plus _FIRST: see codec.e2m1_magnitude."""
    m = _magic(y)
    t = (y + m.floats()).words()
    return t - m + (m >> 22)


def _encoder(*, by_value: bool, divides: bool) -> Any:
    """Return an intrinsic that writes codes: the sign of zero by the input's or by the value's."""

    @intrinsic
    def encode16(
        typingctx: object,
        w: types.Array,
        out: types.Array,
        row: types.Integer,
        group: types.Integer,
        to: types.Integer,
    ) -> tuple[Signature, object]:
        """Write the values from `row` on of 16 blocks to words out[to] and following; factors are CHOSEN."""

        def word(w: Array, at: Index, factor: Floats) -> Words:
            """Return the codes of eight rows, the first in the lowest nibble."""
            codes, signs = [], []
            for j in range(CODES_PER_WORD):
                x = w.words(at + j * LANES)
                a = x.floats().absolute()  # a = abs(x)
                y = a / factor if divides else a * factor  # y = a / factor or a * factor
                codes.append(_steps(y) << 4 * j)  # code = e2m1(y)
                sign = x >> (28 - 4 * j) & 8 << 4 * j  # sign = np.signbit(x)
                signs.append(sign.where_nonzero(y.words()) if by_value else sign)
            total, sign = codes[0], signs[0]
            for more, other in zip(codes[1:], signs[1:], strict=True):
                total, sign = total + more, sign | other
            # word = sum((code | sign * 8) << 4 * j): _FIRST is taken off all codes at once
            return total - (_FIRST * _EVERY_NIBBLE & 0xFFFFFFFF) | sign

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            w, out = Array.all_of(context, builder, signature.args[:2], args[:2])
            row, group, to = (Index(builder, a) for a in args[2:])
            factor = w.words(group + CHOSEN).floats()
            start = row * LANES + group + X
            low, high = word(w, start, factor), word(w, start + CODES_PER_WORD * LANES, factor)
            both = [i // 2 + i % 2 * WIDTH for i in range(2 * WIDTH)]  # both = np.stack([low, high], axis=1)
            out.set_words(to, low.pick(high, both[:WIDTH]))  # out[to : to + 32] = both.reshape(-1)
            out.set_words(to + WIDTH, low.pick(high, both[WIDTH:]))
            return context.get_dummy_value()

        return types.void(w, out, types.intp, types.intp, types.intp), codegen

    return encode16


encode16_bit, encode16_value = (_encoder(by_value=v, divides=False) for v in (False, True))
encode16_bit_divided, encode16_value_divided = (_encoder(by_value=v, divides=True) for v in (False, True))


@intrinsic
def write_bytes16(
    typingctx: object,
    w: types.Array,
    at: types.Integer,
    out: types.Array,
    to: types.Integer,
) -> tuple[Signature, object]:
    """Write the low bytes of the 16 words from w[at] on to out[to] and following."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        w, out = Array.all_of(context, builder, signature.args[::2], args[::2])
        at, to = (Index(builder, a) for a in args[1::2])
        out.set_bytes(to, w.words(at))  # out[to : to + 16] = w[at : at + 16].astype(np.uint8)
        return context.get_dummy_value()

    return types.void(w, types.intp, out, types.intp), codegen
