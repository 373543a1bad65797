"""16 unsigned words or floats in a vector register, with the operators of a NumPy array.

Code in these operators says which instructions the compiler emits: each is one IR instruction on <16 x i32>
or <16 x float>. A processor with narrower registers gets two or four of each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

from llvmlite import ir
from numba.core import cgutils

WIDTH = 16
ABS = 0x7FFFFFFF
INDEX = ir.IntType(64)
_AHEAD = 8192  #: bytes, two chunks of float32: what is read next is on its way while 64 blocks are computed
_BYTE, _HALF, _WORD = (ir.IntType(bits) for bits in (8, 16, 32))
_BYTES16, _HALVES16, _WORDS16 = (ir.VectorType(kind, WIDTH) for kind in (_BYTE, _HALF, _WORD))
_FLOATS16 = ir.VectorType(ir.FloatType(), WIDTH)


class Words:
    """np.uint32 (16,); what stands on the right of an operator may be a number."""

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    def _with(self, operation: Callable[[Any, Any], Any], other: Words | int) -> Words:
        right = other.value if isinstance(other, Words) else ir.Constant(_WORDS16, [other] * WIDTH)
        return Words(self.builder, operation(self.value, right))

    def __add__(self, other: Words | int) -> Words:
        return self._with(self.builder.add, other)

    def __sub__(self, other: Words | int) -> Words:
        return self._with(self.builder.sub, other)

    def __and__(self, other: Words | int) -> Words:
        return self._with(self.builder.and_, other)

    def __or__(self, other: Words | int) -> Words:
        return self._with(self.builder.or_, other)

    def __xor__(self, other: Words | int) -> Words:
        return self._with(self.builder.xor, other)

    def __lshift__(self, other: Words | int) -> Words:
        return self._with(self.builder.shl, other)

    def __rshift__(self, other: Words | int) -> Words:
        return self._with(self.builder.lshr, other)

    def sign(self) -> Words:
        """Return np.where(self >> 31, 0xFFFFFFFF, 0)."""
        return self._with(self.builder.ashr, 31)

    def minimum(self, other: Words | int) -> Words:
        """Return np.minimum(self, other)."""
        b = self.builder
        return self._with(lambda x, y: b.select(b.icmp_unsigned("<", x, y), x, y), other)

    def maximum(self, other: Words | int) -> Words:
        """Return np.maximum(self, other)."""
        b = self.builder
        return self._with(lambda x, y: b.select(b.icmp_unsigned(">", x, y), x, y), other)

    def where_nonzero(self, other: Words, otherwise: Words | int = 0) -> Words:
        """Return np.where(other != 0, self, otherwise)."""
        zero, b = ir.Constant(_WORDS16, [0] * WIDTH), self.builder
        found = b.icmp_unsigned("!=", other.value, zero)
        return self._with(lambda x, y: b.select(found, x, y), otherwise)

    def pick(self, other: Words, lanes: Sequence[int]) -> Words:
        """Return np.concatenate([self, other])[lanes]."""
        b = self.builder
        return Words(b, b.shuffle_vector(self.value, other.value, ir.Constant(_WORDS16, lanes)))

    def floats(self) -> Floats:
        """Return self.view(np.float32)."""
        return Floats(self.builder, self.builder.bitcast(self.value, _FLOATS16))


class Floats:
    """np.float32 (16,)."""

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    def __add__(self, other: Floats) -> Floats:
        return Floats(self.builder, self.builder.fadd(self.value, other.value))

    def __sub__(self, other: Floats) -> Floats:
        return Floats(self.builder, self.builder.fsub(self.value, other.value))

    def __mul__(self, other: Floats) -> Floats:
        return Floats(self.builder, self.builder.fmul(self.value, other.value))

    def __truediv__(self, other: Floats) -> Floats:
        return Floats(self.builder, self.builder.fdiv(self.value, other.value))

    def words(self) -> Words:
        """Return self.view(np.uint32)."""
        return Words(self.builder, self.builder.bitcast(self.value, _WORDS16))

    def absolute(self) -> Floats:
        """Return abs(self)."""
        return (self.words() & ABS).floats()

    def where_equal(self, other: Floats, words: Words) -> Words:
        """Return np.where(self == other, words, 0)."""
        zero, b = ir.Constant(_WORDS16, [0] * WIDTH), self.builder
        found = b.fcmp_ordered("==", self.value, other.value)
        return Words(b, b.select(found, words.value, zero))

    def minimum(self, other: Floats) -> Floats:
        """Return np.minimum(self, other) of magnitudes: they compare as their bits do."""
        return self.words().minimum(other.words()).floats()

    def maximum(self, other: Floats) -> Floats:
        """Return np.maximum(self, other) of magnitudes: they compare as their bits do."""
        return self.words().maximum(other.words()).floats()


class Index:
    """A position in an array, or a distance: a 64-bit number of the compiled program."""

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    def __add__(self, other: Index | int) -> Index:
        right = other.value if isinstance(other, Index) else ir.Constant(INDEX, other)
        return Index(self.builder, self.builder.add(self.value, right))

    def __mul__(self, other: Index | int) -> Index:
        right = other.value if isinstance(other, Index) else ir.Constant(INDEX, other)
        return Index(self.builder, self.builder.mul(self.value, right))


class Array:
    """A contiguous array of the compiled program: 16 items are read or written from an index on.

    Nothing need be aligned to more than its own items.
    """

    def __init__(self, context: Any, builder: Any, kind: Any, value: Any) -> None:
        self.builder = builder
        self._data = cgutils.create_struct_proxy(kind)(context, builder, value=value).data

    @classmethod
    def all_of(cls, context: Any, builder: Any, kinds: Sequence[Any], values: Sequence[Any]) -> list[Self]:
        """Return an intrinsic's array arguments."""
        return [cls(context, builder, kind, value) for kind, value in zip(kinds, values, strict=True)]

    def _address(self, at: Index, kind: Any) -> Any:
        return self.builder.bitcast(self.builder.gep(self._data, [at.value]), kind.as_pointer())

    def words(self, at: Index) -> Words:
        """Return self[at : at + 16]."""
        return Words(self.builder, self.builder.load(self._address(at, _WORDS16), align=4))

    def every(self, at: Index | int) -> Words:
        """Return np.full(16, self[at]), cut to a word, of an array of words or of 64-bit numbers."""
        where = at if isinstance(at, Index) else Index(self.builder, ir.Constant(INDEX, at))
        one = self.builder.load(self._address(where, _WORD), align=4)
        first = self.builder.insert_element(ir.Constant(_WORDS16, ir.Undefined), one, ir.Constant(_WORD, 0))
        return Words(self.builder, first).pick(Words(self.builder, first), [0] * WIDTH)

    def halves(self, at: Index) -> Words:
        """Return self[at : at + 16].astype(np.uint32) of an array of half words."""
        halves = self.builder.load(self._address(at, _HALVES16), align=2)
        return Words(self.builder, self.builder.zext(halves, _WORDS16))

    def set_words(self, at: Index, words: Words) -> None:
        """Set self[at : at + 16] = words."""
        self.builder.store(words.value, self._address(at, _WORDS16), align=4)

    def set_bytes(self, at: Index, words: Words) -> None:
        """Set self[at : at + 16] = words.astype(np.uint8) of an array of bytes."""
        self.builder.store(self.builder.trunc(words.value, _BYTES16), self._address(at, _BYTES16), align=1)

    def prefetch(self, at: Index) -> None:
        """Ask for what lies _AHEAD bytes behind self[at], be it outside of every array."""
        ahead = self.builder.gep(self._address(at, _BYTE), [ir.Constant(INDEX, _AHEAD)])
        kind = ir.FunctionType(ir.VoidType(), [ahead.type, _WORD, _WORD, _WORD])
        function = cgutils.get_or_insert_function(self.builder.module, kind, "llvm.prefetch.p0i8")
        read, keep, data = (ir.Constant(_WORD, i) for i in (0, 3, 1))
        self.builder.call(function, [ahead, read, keep, data])
