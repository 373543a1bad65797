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

    def load_short(self, pointer: Any) -> Any:
        """Return 16 half words, each widened with zeros."""
        kind = ir.VectorType(HALF_WORD, WIDTH)
        short = self.builder.load(self.builder.bitcast(pointer, kind.as_pointer()), align=2)
        return self.builder.zext(short, WORDS16)

    def store(self, value: Any, pointer: Any) -> None:
        """Store 16 words."""
        words = self.builder.bitcast(value, WORDS16)
        self.builder.store(words, self.builder.bitcast(pointer, WORDS16.as_pointer()), align=4)

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
        """Return the columns of a 16 x 16 matrix given by rows, in four stages."""
        columns = list(rows)
        for size in (1, 2, 4, 8):
            columns = self._interleaved(columns, size)
        return columns

    def _interleaved(self, rows: list[Any], size: int) -> list[Any]:
        """Swap the off-diagonal size x size parts of each 2*size x 2*size part."""
        out = list(rows)
        first = [i if not i & size else i - size + WIDTH for i in range(WIDTH)]
        second = [i + size if not i & size else i + WIDTH for i in range(WIDTH)]
        for i in range(WIDTH):
            if not i & size:
                out[i] = self.shuffle(rows[i], rows[i + size], first)
                out[i + size] = self.shuffle(rows[i], rows[i + size], second)
        return out


def float_bits(value: float) -> int:
    """Return the bits of a float32 constant."""
    return int(struct.unpack("<I", struct.pack("<f", value))[0])


def pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    """Return the address of array[index] of a contiguous array."""
    data = cgutils.create_struct_proxy(array_type)(context, builder, value=array).data
    return builder.gep(data, [index])
