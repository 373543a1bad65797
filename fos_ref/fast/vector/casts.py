"""Codes of any grid, as vector instructions: the formula of vector/table.py, its numbers a word a lane.

The 16 lanes of a vector are 16 blocks, as in vector/loops.py. So one block's candidate may be a float and its
neighbour's an integer. Beside a line stands what it does in NumPy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numba import types
from numba.core.typing.templates import Signature
from numba.extending import intrinsic

from fos_ref.fast import codec
from fos_ref.fast.lanes import CHOSEN, GRID, LANES, WORDS_OF_CODES, X
from fos_ref.fast.vector import table as t
from fos_ref.fast.vector.registers import Array, Index, WIDTH, Words

_EXPONENT = int(codec.EXPONENT)
_HALF_STEP = 24 << 23  #: half a step is m * 2^-24
BITS_OF_WORD = 32


class Rules:
    """A candidate's grid and factor for 16 blocks."""

    def __init__(self, w: Array, group: Index) -> None:
        self.factor = w.words(group + CHOSEN).floats()
        self._fields = [w.words(group + (GRID + i * LANES)) for i in range(t.FIELDS)]

    def __getitem__(self, field: int) -> Words:
        return self._fields[field]

    def code(self, x: Words) -> Words:
        """Return the codes of 16 inputs."""
        y = x.floats().absolute() * self.factor  # y = abs(x) * factor
        z = y * self[t.RATIO].floats()  # z = y * ratio
        e = (z.words() & _EXPONENT).maximum(self[t.EMIN])  # e = np.maximum(2.0**exponent(z), 2.0**emin)
        m = e + self[t.SHIFT]  # m = e * 2.0**places
        total = z + m.floats()
        size = total.words() - m + ((e - self[t.EMIN]) >> self[t.PLACES])  # the steps passed
        over = (total - m.floats() - z) * self[t.TIE].floats()  # rounded by half a step the other way?
        size -= over.where_equal((m - _HALF_STEP).floats(), self[t.STEP])
        size = size.minimum(self[t.MOST])
        limit = self[t.LIMIT]
        value = y.words().maximum(limit) - limit  # nonzero where the recipe's scaled value is
        signed = value & self[t.BY_VALUE] | size & self[t.BY_CODE] | self[t.ALWAYS]
        sign = x.sign().where_nonzero(signed, self[t.OTHERWISE])
        return (size ^ sign & self[t.TURN]) + (sign & self[t.SIGN]) & self[t.MASK]


def _coder(width: int) -> Any:
    """Return an intrinsic that makes words of codes of `width` bits each."""
    count = BITS_OF_WORD // width

    @intrinsic
    def codes16(
        typingctx: object, w: types.Array, row: types.Integer, group: types.Integer, to: types.Integer
    ) -> tuple[Signature, object]:
        """Store the words of the values from `row` on of 16 blocks in lanes `group` of row `to`."""

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            (w,) = Array.all_of(context, builder, signature.args[:1], args[:1])
            row, group, to = (Index(builder, a) for a in args[1:])
            rules = Rules(w, group)
            codes = [rules.code(w.words(row * LANES + group + (X + j * LANES))) for j in range(count)]
            word = codes[0]  # word = sum(code << width * j)
            for j, code in enumerate(codes[1:], 1):
                word |= code << width * j
            w.set_words(to + group, word)
            return context.get_dummy_value()

        return types.void(w, types.intp, types.intp, types.intp), codegen

    return codes16


nibbles16, bytes16 = _coder(4), _coder(8)


def interleaved(vectors: Sequence[Words]) -> list[Words]:
    """Return np.stack(vectors, axis=1).reshape(-1) as vectors; there are 1, 2, 4 or 8."""
    if len(vectors) == 1:
        return list(vectors)
    both = [i // 2 + i % 2 * WIDTH for i in range(2 * WIDTH)]
    pairs = zip(interleaved(vectors[::2]), interleaved(vectors[1::2]), strict=True)
    return [a.pick(b, half) for a, b in pairs for half in (both[:WIDTH], both[WIDTH:])]


def _writer(count: int) -> Any:
    """Return an intrinsic that writes `count` words of codes of each of 16 blocks."""

    @intrinsic
    def write16(
        typingctx: object, w: types.Array, out: types.Array, group: types.Integer, to: types.Integer
    ) -> tuple[Signature, object]:
        """Write the words in rows WORDS_OF_CODES and following to out[to] and following, block by block."""

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            w, out = Array.all_of(context, builder, signature.args[:2], args[:2])
            group, to = (Index(builder, a) for a in args[2:])
            rows = [w.words(group + (WORDS_OF_CODES + i * LANES)) for i in range(count)]
            for i, words in enumerate(interleaved(rows)):
                out.set_words(to + i * WIDTH, words)
            return context.get_dummy_value()

        return types.void(w, out, types.intp, types.intp), codegen

    return write16


write16_1, write16_2, write16_4, write16_8 = (_writer(count) for count in (1, 2, 4, 8))
