"""A small language of vectors of 16 words: what it says is what the compiler emits, on any processor.

Loops over lanes are left to the compiler's vectoriser where a kernel spends little time. The inner loops that
it spends its time in are written with these operations, each one IR instruction on <16 x i32> or
<16 x float>; a processor with narrower registers gets two or four of each.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils

WIDTH = 16
WORD = ir.IntType(32)
HALF_WORD = ir.IntType(16)
WORDS16 = ir.VectorType(WORD, WIDTH)
FLOATS16 = ir.VectorType(ir.FloatType(), WIDTH)
QUARTER = 4  #: words of 128 bits


def _within_quarters(*lanes: int) -> list[int]:
    """Return lanes of two vectors, the same within each quarter: 0..3 of the first, 4..7 of the second."""
    second = WIDTH - QUARTER
    return [q + (i if i < QUARTER else i + second) for q in range(0, WIDTH, QUARTER) for i in lanes]


_PAIRS = (_within_quarters(0, 4, 1, 5), _within_quarters(2, 6, 3, 7))
_FOURS = (_within_quarters(0, 1, 4, 5), _within_quarters(2, 3, 6, 7))
#: Even or odd quarters of the first vector, then of the second.
_QUARTERS = [[QUARTER * q + i for q in range(odd, 8, 2) for i in range(QUARTER)] for odd in (0, 1)]


class Vectors:
    """Operations on vectors of 16 words; values are IR values of type <16 x i32> unless said otherwise."""

    def __init__(self, builder: Any) -> None:
        self.builder = builder

    def word(self, value: int) -> Any:
        """Return a vector with one integer in every lane."""
        return ir.Constant(WORDS16, [value & 0xFFFFFFFF] * WIDTH)

    def load(self, pointer: Any) -> Any:
        """Return 16 words from an address that need not be aligned."""
        return self.builder.load(self.builder.bitcast(pointer, WORDS16.as_pointer()), align=4)

    def prefetch(self, pointer: Any) -> None:
        """Ask for the cache line of an address, which may lie outside of every array."""
        kind = ir.FunctionType(ir.VoidType(), [pointer.type, WORD, WORD, WORD])
        name = "llvm.prefetch.p0i8"
        function = cgutils.get_or_insert_function(self.builder.module, kind, name)
        read, keep, data = (ir.Constant(WORD, i) for i in (0, 3, 1))
        self.builder.call(function, [pointer, read, keep, data])

    def load_short(self, pointer: Any) -> Any:
        """Return 16 half words, each widened with zeros."""
        kind = ir.VectorType(HALF_WORD, WIDTH)
        short = self.builder.load(self.builder.bitcast(pointer, kind.as_pointer()), align=2)
        return self.builder.zext(short, WORDS16)

    def store(self, value: Any, pointer: Any) -> None:
        """Store 16 words."""
        words = self.builder.bitcast(value, WORDS16)
        self.builder.store(words, self.builder.bitcast(pointer, WORDS16.as_pointer()), align=4)

    def everywhere(self, value: Any) -> Any:
        """Return a vector with one word or float in every lane."""
        kind = ir.VectorType(value.type, WIDTH)
        first = self.builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(WORD, 0))
        return self.shuffle(first, ir.Constant(kind, ir.Undefined), [0] * WIDTH)

    def floats(self, value: Any) -> Any:
        """Return words as the float32 whose bits they are."""
        return self.builder.bitcast(value, FLOATS16)

    def words(self, value: Any) -> Any:
        """Return floats as their bits."""
        return self.builder.bitcast(value, WORDS16)

    def unsigned_max(self, a: Any, b: Any) -> Any:
        """Return the larger of unsigned words."""
        return self.builder.select(self.builder.icmp_unsigned(">", a, b), a, b)

    def shuffle(self, a: Any, b: Any, lanes: Sequence[int]) -> Any:
        """Return lanes of a (0..15) and b (16..31)."""
        mask = ir.Constant(ir.VectorType(WORD, len(lanes)), list(lanes))
        return self.builder.shuffle_vector(a, b, mask)

    def transposed(self, rows: Sequence[Any]) -> list[Any]:
        """Return the columns of a 16 x 16 matrix given by rows.

        Words are interleaved within quarters of the vectors, then pairs of words, then quarters: the first
        two stages stay within 128 bits, which is cheap everywhere.
        """
        pairs = [self.shuffle(rows[i], rows[i + 1], half) for i in range(0, WIDTH, 2) for half in _PAIRS]
        fours = [
            self.shuffle(pairs[i + high], pairs[i + 2 + high], half)
            for i in range(0, WIDTH, 4)
            for high in (0, 1)
            for half in _FOURS
        ]
        columns: list[Any] = [None] * WIDTH
        for k in range(QUARTER):
            halves = [
                [self.shuffle(fours[at + k], fours[at + QUARTER + k], odd) for odd in _QUARTERS]
                for at in (0, 2 * QUARTER)
            ]
            for first, (a, b) in enumerate(zip(*halves, strict=True)):
                for second, odd in enumerate(_QUARTERS):
                    columns[QUARTER * (first + 2 * second) + k] = self.shuffle(a, b, odd)
        return columns


def float_bits(value: float) -> int:
    """Return the bits of a float32 constant."""
    return int(struct.unpack("<I", struct.pack("<f", value))[0])


def pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    """Return the address of array[index] of a contiguous array."""
    data = cgutils.create_struct_proxy(array_type)(context, builder, value=array).data
    return builder.gep(data, [index])
