"""The three inner loops, for 16 regular blocks of 16 values at a time: read, compare errors, write codes.

Values are magnitudes below 7 after scaling (filter.regular). Rounding is codec.e2m1_magnitude's: with
m = 2^22 * max(2^e, 1), the sum y + m has one fraction bit left, so t - m counts the steps within the binade.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core.typing.templates import Signature
from numba.extending import intrinsic

from fos_ref.fast.lanes import AMAX, CHOSEN, LANES, SUM4, SUM6, X
from fos_ref.fast.vector import float_bits, pointer, Vectors, WIDTH, WORD

_ABS = 0x7FFFFFFF
_EXPONENT = 0x7F800000
_ONE = 0x3F800000
_SHIFT = 22 << 23
_FIRST = 0x4A800000  #: bits of 2^22
_CODES_PER_WORD = 8
_NIBBLE = 4
_EVERY_NIBBLE = 0x11111111
_HALF_EXPONENT = 0x7C00
WORD_BYTES = 4
_AHEAD = 8192  #: bytes, two chunks of float32: what is read next is on its way while 64 blocks are computed


class Block:
    """What an intrinsic's code generator works with: the vectors, the scratch and a group's first lane."""

    def __init__(self, context: Any, builder: Any, signature: Any, args: Any) -> None:
        self.context, self.builder, self.signature, self.args = context, builder, signature, args
        self.v = Vectors(builder)

    def at(self, argument: int, offset: int, index: Any) -> Any:
        """Return the address of array argument[offset + index]."""
        where = self.builder.add(index, ir.Constant(index.type, offset))
        return pointer(self.context, self.builder, self.signature.args[argument], self.args[argument], where)

    def row(self, offset: int, group: Any) -> Any:
        """Return the address of a row of the scratch (argument 0) at a group's first lane."""
        return self.at(0, offset, group)

    def nothing(self) -> Any:
        """Return what an intrinsic without a result returns."""
        return self.context.get_dummy_value()

    def scaled(self, a: Any, factor: Any, *, divides: bool) -> Any:
        """Return magnitudes over their scales."""
        return self.builder.fdiv(a, factor) if divides else self.builder.fmul(a, factor)

    def steps(self, y: Any) -> tuple[Any, Any]:
        """Return (m, y + m), both as bits."""
        v, b = self.v, self.builder
        exponent = b.and_(v.words(y), v.word(_EXPONENT))
        m = b.add(v.unsigned_max(exponent, v.word(_ONE)), v.word(_SHIFT))
        return m, v.words(b.fadd(y, v.floats(m)))


def _widened(k: Block, index: Any, dtype: int) -> Any:
    """Return 16 values of x (argument 1, bytes) from value `index` on, as float32 bits."""
    v, b = k.v, k.builder
    size = WORD_BYTES if dtype == 0 else WORD_BYTES // 2
    at = k.at(1, 0, b.mul(index, ir.Constant(index.type, size)))
    v.prefetch(b.gep(at, [ir.Constant(ir.IntType(64), _AHEAD)]))
    if dtype == 0:
        return v.load(at)
    short = v.load_short(at)
    if dtype == 1:
        return b.shl(short, v.word(16))
    magnitude = b.shl(b.and_(short, v.word(0x7FFF)), v.word(13))
    exact = v.words(b.fmul(v.floats(magnitude), v.floats(v.word(float_bits(2.0**112)))))
    special = b.icmp_unsigned("==", b.and_(short, v.word(_HALF_EXPONENT)), v.word(_HALF_EXPONENT))
    exact = b.select(special, b.or_(exact, v.word(_EXPONENT)), exact)
    return b.or_(exact, b.shl(b.and_(short, v.word(0x8000)), v.word(16)))


def _reader(dtype: int) -> Any:
    """Return an intrinsic that reads 16 blocks of x into region X, transposed, and keeps the block amaxes."""

    @intrinsic
    def read16(
        typingctx: object,
        w: types.Array,
        x: types.Array,
        first: types.Integer,
        row: types.Integer,
        group: types.Integer,
    ) -> tuple[Signature, object]:
        """Read blocks that follow each other at x[first], into the rows from value `row` at lane `group`."""

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            k = Block(context, builder, signature, args)
            v = k.v
            at, to = args[2], builder.add(builder.mul(args[3], ir.Constant(args[3].type, LANES)), args[4])
            blocks = [
                _widened(k, builder.add(at, ir.Constant(at.type, i * WIDTH)), dtype) for i in range(WIDTH)
            ]
            most = v.load(k.row(AMAX, args[4]))
            for j, value in enumerate(v.transposed(blocks)):
                v.store(value, k.row(X + j * LANES, to))
                most = v.unsigned_max(most, builder.and_(value, v.word(_ABS)))
            v.store(most, k.row(AMAX, args[4]))
            return k.nothing()

        return types.void(w, x, types.intp, types.intp, types.intp), codegen

    return read16


read16_float32, read16_bfloat16, read16_float16 = (_reader(dtype) for dtype in range(3))


def _summer(term: str) -> Any:
    """Return an intrinsic that adds up cheap errors: squares, magnitudes, or their maximum."""

    @intrinsic
    def sum16(
        typingctx: object,
        w: types.Array,
        row: types.Integer,
        group: types.Integer,
        factor6: types.Integer,
        factor4: types.Integer,
    ) -> tuple[Signature, object]:
        """Add the errors of the 16 values from `row` on to rows SUM6 and SUM4 at lane `group`.

        Row 0 starts the sums. The values' factors are in the rows factor6 and factor4.
        """

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            k = Block(context, builder, signature, args)
            v, b = k.v, builder
            start = b.add(b.mul(args[1], ir.Constant(args[1].type, LANES)), args[2])
            factors = [v.floats(v.load(k.at(0, 0, b.add(at, args[2])))) for at in args[3:]]
            later = b.sext(b.icmp_signed("!=", args[1], ir.Constant(args[1].type, 0)), WORD)
            sums: list[Any] = [None, None]
            for j in range(WIDTH):
                a = v.floats(b.and_(v.load(k.row(X + j * LANES, start)), v.word(_ABS)))
                for side, factor in enumerate(factors):
                    y = b.fmul(a, factor)
                    m, t = k.steps(y)
                    d = b.fsub(b.fsub(v.floats(t), v.floats(m)), y)
                    sums[side] = _accumulated(k, sums[side], d, term)
            for total, to in zip(sums, (SUM6, SUM4), strict=True):
                old = v.floats(b.and_(v.load(k.row(to, args[2])), v.everywhere(later)))
                v.store(_joined(k, old, total, term), k.row(to, args[2]))
            return k.nothing()

        return types.void(w, types.intp, types.intp, types.intp, types.intp), codegen

    return sum16


def _accumulated(k: Block, total: Any, d: Any, term: str) -> Any:
    v, b = k.v, k.builder
    value = b.fmul(d, d) if term == "square" else v.floats(b.and_(v.words(d), v.word(_ABS)))
    return value if total is None else _joined(k, total, value, term)


def _joined(k: Block, a: Any, c: Any, term: str) -> Any:
    """Return a + c, or the larger of the two: magnitudes compare as their bits do."""
    if term == "maximum":
        return k.v.floats(k.v.unsigned_max(k.v.words(a), k.v.words(c)))
    return k.builder.fadd(a, c)


sum16_square, sum16_magnitude, sum16_maximum = (_summer(t) for t in ("square", "magnitude", "maximum"))


def _encoder(sign: str, *, divides: bool) -> Any:
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
        """Write 16 values from `row` on of the blocks at lane `group` to out[to]; factors are CHOSEN."""

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            k = Block(context, builder, signature, args)
            v, b = k.v, builder
            start = b.add(b.mul(args[2], ir.Constant(args[2].type, LANES)), args[3])
            factor = v.floats(v.load(k.row(CHOSEN, args[3])))
            halves = [_Word(k), _Word(k)]
            for j in range(WIDTH):
                half, place = divmod(j, _CODES_PER_WORD)
                halves[half].append(v.load(k.row(X + j * LANES, start)), factor, place, sign, divides=divides)
            words = [h.value() for h in halves]
            for part in range(2):
                lanes = [(i // 2) + part * _CODES_PER_WORD + (i % 2) * WIDTH for i in range(WIDTH)]
                v.store(v.shuffle(words[0], words[1], lanes), k.at(1, part * WIDTH, args[4]))
            return k.nothing()

        return types.void(w, out, types.intp, types.intp, types.intp), codegen

    return encode16


class _Word:
    """Eight codes of each of 16 blocks, magnitudes and signs apart.

    (t - m) + (m >> 22) is a magnitude's code plus a constant, which is taken off the whole word at the end.
    """

    def __init__(self, k: Block) -> None:
        self.k = k
        self.magnitudes: Any = None
        self.signs: Any = None

    def append(self, x: Any, factor: Any, place: int, sign: str, *, divides: bool) -> None:
        """Add the codes of 16 values at a nibble's place."""
        k, v, b = self.k, self.k.v, self.k.builder
        y = k.scaled(v.floats(b.and_(x, v.word(_ABS))), factor, divides=divides)
        m, t = k.steps(y)
        code = b.shl(b.add(b.sub(t, m), b.lshr(m, v.word(22))), v.word(_NIBBLE * place))
        bit = b.and_(b.lshr(x, v.word(28 - _NIBBLE * place)), v.word(8 << (_NIBBLE * place)))
        if sign == "value":
            bit = b.select(b.icmp_unsigned("==", v.words(y), v.word(0)), v.word(0), bit)
        self.magnitudes = code if self.magnitudes is None else b.add(self.magnitudes, code)
        self.signs = bit if self.signs is None else b.or_(self.signs, bit)

    def value(self) -> Any:
        """Return the words."""
        constants = self.k.v.word((_FIRST >> 22) * _EVERY_NIBBLE)
        return self.k.builder.or_(self.k.builder.sub(self.magnitudes, constants), self.signs)


encode16_bit, encode16_value = (_encoder(s, divides=False) for s in ("bit", "value"))
encode16_bit_divided, encode16_value_divided = (_encoder(s, divides=True) for s in ("bit", "value"))
