"""What a chunk needs once per block, for 16 blocks at a time: the usual block scales, the verdict, the bytes.

`usual_scales` states the steps of fos_ref/fast/scales.py that most recipes share: N5a, N6a, N7a, N8a. It may
assume numbers, because its result is used for regular blocks only.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core.typing.templates import Signature
from numba.extending import intrinsic

from fos_ref.fast import codec
from fos_ref.fast.hot import Block
from fos_ref.fast.lanes import (
    AMAX,
    BYTE4,
    BYTE6,
    CHOICE,
    CHOSEN,
    DECODE,
    ENCODE,
    FACTOR4,
    FACTOR6,
    KEPT,
    OPEN,
    SCALE4,
    SCALE6,
    SUM4,
    SUM6,
)
from fos_ref.fast.vector import float_bits, WIDTH, WORD, WORDS16

_BITS = ir.IntType(WIDTH)
_BYTES16 = ir.VectorType(ir.IntType(8), WIDTH)
_ABS = int(codec.ABS)


class _Rows(Block):
    """Rows of the scratch at one group of lanes."""

    @property
    def group(self) -> Any:
        """The group's first lane: the last index argument but those of values."""
        return self.args[1]

    def get(self, row: int) -> Any:
        """Return 16 floats of a row."""
        return self.v.floats(self.v.load(self.row(row, self.group)))

    def put(self, row: int, value: Any) -> None:
        """Store 16 words or floats in a row."""
        self.v.store(value, self.row(row, self.group))

    def number(self, value: float) -> Any:
        """Return a float32 constant in every lane."""
        return self.v.floats(self.v.word(float_bits(value)))

    def left_open(self, mask: Any) -> Any:
        """Store where a mask is set, and return a uint32 that is nonzero where some lane of it is."""
        self.put(OPEN, self.builder.zext(mask, WORDS16))
        return self.builder.zext(self.builder.bitcast(mask, _BITS), WORD)

    def open(self) -> Any:
        """Return the mask that `left_open` has stored."""
        return self.builder.icmp_unsigned("!=", self.v.words(self.get(OPEN)), self.v.word(0))


def _e4m3(k: _Rows, base: Any) -> Any:
    """Return the E4M3 codes of numbers of 0 and above: codec.e4m3_magnitude."""
    v, b = k.v, k.builder
    bits = v.words(base)
    most = v.word(int(codec.E4M3_MAX))
    a = b.select(b.icmp_unsigned("<", bits, most), bits, most)
    odd = b.and_(b.lshr(a, v.word(20)), v.word(1))
    normal = b.sub(b.lshr(b.add(b.add(a, v.word(int(codec.E4M3_HALF))), odd), v.word(20)), v.word(960))
    magic = v.words(b.fadd(v.floats(a), k.number(float(codec.E4M3_MAGIC))))
    small = b.sub(magic, v.word(int(codec.E4M3_MAGIC_BITS)))
    return b.select(b.icmp_unsigned(">=", a, v.word(int(codec.E4M3_MIN_NORMAL))), normal, small)


def _candidate(k: _Rows, base: Any, rows: tuple[int, int, int]) -> Any:
    """Store byte, value and factor of a candidate's block scale; return where its blocks are not regular."""
    v, b = k.v, k.builder
    code = _e4m3(k, base)
    value = b.fmul(v.floats(b.shl(code, v.word(20))), k.number(2.0**120))
    factor = b.fdiv(k.number(1), b.fmul(value, k.get(DECODE)))
    for row, what in zip(rows, (code, value, factor), strict=True):
        k.put(row, what)
    y = b.fmul(k.get(AMAX), factor)
    return b.or_(b.fcmp_unordered(">=", y, k.number(7)), b.icmp_unsigned("==", code, v.word(0)))


def _scales(*, two: bool) -> Any:
    """Return an intrinsic that stores the usual block scales of one or two candidates."""

    @intrinsic
    def usual_scales(
        typingctx: object,
        w: types.Array,
        group: types.Integer,
    ) -> tuple[Signature, object]:
        """Store which of the 16 blocks at lane `group` are not regular; return nonzero if one is."""

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            k = _Rows(context, builder, signature, args)
            base = builder.fmul(builder.fdiv(k.get(AMAX), k.number(6)), k.get(ENCODE))
            bad = _candidate(k, base, (BYTE6, SCALE6, FACTOR6))
            if two:
                expanded = builder.fmul(base, k.number(1.5))
                bad = builder.or_(bad, _candidate(k, expanded, (BYTE4, SCALE4, FACTOR4)))
            return k.left_open(bad)

        return types.uint32(w, types.intp), codegen

    return usual_scales


usual_scales_one, usual_scales_two = _scales(two=False), _scales(two=True)


def _judge(*, squares: bool) -> Any:
    """Return an intrinsic that compares cheap errors, beyond the bound that fos_ref/fast/filter.py proves."""

    @intrinsic
    def judge16(
        typingctx: object,
        w: types.Array,
        group: types.Integer,
        slope: types.Float,
        constant: types.Float,
    ) -> tuple[Signature, object]:
        """Store choice, factor and scale byte of 16 blocks; leave open those too close to call as well."""

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            k = _Rows(context, builder, signature, args)
            b, v = builder, k.v
            bounds = [v.everywhere(c) for c in args[2:]]
            sides = [_side(k, rows, bounds, squares=squares) for rows in ((SUM4, SCALE4), (SUM6, SCALE6))]
            delta = b.fsub(sides[0][0], sides[1][0])
            limit = b.fadd(sides[0][1], sides[1][1])
            size = v.floats(b.and_(v.words(delta), v.word(_ABS)))
            four = b.fcmp_ordered("<", delta, k.number(0))
            k.put(CHOICE, b.select(four, v.word(1), v.word(0)))
            k.put(CHOSEN, b.select(four, k.get(FACTOR4), k.get(FACTOR6)))
            k.put(KEPT, b.select(four, v.words(k.get(BYTE4)), v.words(k.get(BYTE6))))
            return k.left_open(b.or_(k.open(), b.fcmp_unordered("<=", size, limit)))

        return types.uint32(w, types.intp, types.float32, types.float32), codegen

    return judge16


def _side(k: _Rows, rows: tuple[int, int], bounds: list[Any], *, squares: bool) -> tuple[Any, Any]:
    """Return (weighted error, its bound) of one candidate."""
    b = k.builder
    g, s = k.get(rows[0]), k.get(rows[1])
    weight = b.fmul(s, s) if squares else s
    limit = b.fadd(b.fmul(bounds[0], g), bounds[1])
    return b.fmul(weight, g), b.fmul(weight, limit)


judge16_squares, judge16_magnitudes = _judge(squares=True), _judge(squares=False)


@intrinsic
def write_bytes16(
    typingctx: object,
    w: types.Array,
    group: types.Integer,
    row: types.Integer,
    out: types.Array,
    to: types.Integer,
) -> tuple[Signature, object]:
    """Write the low bytes of 16 words of a row to out[to]."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        k = Block(context, builder, signature, args)
        words = k.v.load(k.at(0, 0, builder.add(args[2], args[1])))
        where = builder.bitcast(k.at(3, 0, args[4]), _BYTES16.as_pointer())
        builder.store(builder.trunc(words, _BYTES16), where, align=1)
        return k.nothing()

    return types.void(w, types.intp, types.intp, out, types.intp), codegen
