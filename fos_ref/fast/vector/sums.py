"""The cheap errors of a float grid and of integers under one scale, as vector instructions."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

from numba import types
from numba.core.typing.templates import Signature
from numba.extending import intrinsic

from fos_ref.fast import codec
from fos_ref.fast.config import TABLE_AT as TABLE
from fos_ref.fast.lanes import FACTOR6, LANES, SUM4, SUM6, X
from fos_ref.fast.vector import table as t
from fos_ref.fast.vector.registers import Array, Floats, Index

_EXPONENT = int(codec.EXPONENT)
ROWS = 8  #: values at once


def _adder(join: Callable[[Floats, Floats], Floats], term: Callable[[Floats], Floats]) -> Any:
    """Return an intrinsic that adds up the cheap errors of both candidates."""

    @intrinsic
    def add8(
        typingctx: object, w: types.Array, c: types.Array, row: types.Integer, group: types.Integer
    ) -> tuple[Signature, object]:
        """Add the errors of the 8 values from `row` on of 16 blocks to rows SUM6 and SUM4."""

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            w, c = Array.all_of(context, builder, signature.args[:2], args[:2])
            row, group = (Index(builder, a) for a in args[2:])
            factor, emin, shift = (
                w.words(group + FACTOR6).floats(),
                c.every(TABLE + t.EMIN),
                c.every(TABLE + t.SHIFT),
            )
            top, most, unit, ratio = (
                c.every(TABLE + at).floats() for at in (t.TOP, t.SECOND_TOP, t.UNIT, t.SECOND + t.RATIO)
            )
            second_emin, second_shift = (c.every(TABLE + t.SECOND + at) for at in (t.EMIN, t.SHIFT))
            whole = (second_emin + second_shift).floats()
            first, second = [], []
            for j in range(ROWS):
                x = w.words(row * LANES + group + (X + j * LANES)).floats()
                y = x.absolute() * factor  # y = abs(X[row + j]) * factor
                m = ((y.words() & _EXPONENT).maximum(emin) + shift).floats()
                first.append(term((y + m - m).minimum(top) - y))  # (float(y) - y) ** 2, or its magnitude
                n = (y * ratio + whole - whole).minimum(most)  # n = np.minimum(np.rint(y * ratio), most)
                second.append(term(n * unit - y))
            for at, terms in ((SUM6, first), (SUM4, second)):
                total = join(w.words(group + at).floats(), reduce(join, terms))
                w.set_words(group + at, total.words())
            return context.get_dummy_value()

        return types.void(w, c, types.intp, types.intp), codegen

    return add8


add8_square = _adder(lambda total, v: total + v, lambda d: d * d)
add8_magnitude = _adder(lambda total, v: total + v, lambda d: d.absolute())
add8_maximum = _adder(lambda total, v: total.maximum(v), lambda d: d.absolute())
