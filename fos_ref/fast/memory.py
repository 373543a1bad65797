"""Reading and writing a flat array without bounds or wrap-around checks: both stop the vectoriser."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import Signature
from numba.extending import intrinsic


def _pointer(context, builder, array_type, array, index):
    data = cgutils.create_struct_proxy(array_type)(context, builder, value=array).data
    return builder.gep(data, [index])


@intrinsic
def load(typingctx: object, array: types.Array, index: types.Integer) -> tuple[Signature, object]:
    """Return array[index] of a contiguous array; the caller knows that it lies inside."""

    def codegen(context, builder, signature, args):
        at = context.cast(builder, args[1], signature.args[1], types.intp)
        return builder.load(_pointer(context, builder, signature.args[0], args[0], at))

    return array.dtype(array, index), codegen


@intrinsic
def store(
    typingctx: object,
    array: types.Array,
    index: types.Integer,
    value: types.Type,
) -> tuple[Signature, object]:
    """Set array[index] = value of the array's own dtype; the caller knows that it lies inside."""

    def codegen(context, builder, signature, args):
        at = context.cast(builder, args[1], signature.args[1], types.intp)
        given = context.cast(builder, args[2], signature.args[2], signature.args[0].dtype)
        builder.store(given, _pointer(context, builder, signature.args[0], args[0], at))
        return context.get_dummy_value()

    return types.void(array, index, value), codegen


def _reader(bits: int) -> Any:
    """Return an intrinsic that reads little-endian words of `bits` from a byte array, by their index."""
    word = ir.IntType(bits)

    @intrinsic
    def read(typingctx: object, array: types.Array, index: types.Integer) -> tuple[Signature, object]:
        """Return word `index` of a byte array, as a uint32."""

        def codegen(context, builder, signature, args):
            data = _pointer(context, builder, signature.args[0], args[0], ir.Constant(ir.IntType(64), 0))
            at = builder.gep(builder.bitcast(data, word.as_pointer()), [args[1]])
            value = builder.load(at, align=bits // 8)
            return value if bits == WORD_BITS else builder.zext(value, ir.IntType(WORD_BITS))

        return types.uint32(array, types.intp), codegen

    return read


WORD_BITS = 32
read_word, read_half = _reader(WORD_BITS), _reader(16)
