"""The randomized Hadamard transform of 16 values on the device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fos_gpu.build.training_units import rotate_unit
from fos_gpu.launch import start, THREADS
from fos_gpu.tensors import empty, launching, take_input
from fos_ref.arguments import one_of
from fos_ref.errors import DtypeError, ShapeError
from fos_ref.recipes.recipe import BLOCK
from fos_ref.rotate import Order, SIGNS_H16, signs_of

_DTYPES = ("bfloat16", "float32")


def rotate(
    x: Any,
    *,
    signs: int | Sequence[int] = SIGNS_H16,
    out: str = "bfloat16",
    order: str | Order = Order.EXACT,
    inverse: bool = False,
) -> Any:
    """Return `fos_ref.rotate.hadamard(x, 16, ...).y` of a device array, in device memory.

    signs, out, order, inverse: as there
    Shapes:   (..., 16 n) contiguous -> the same
    Dtypes:   bfloat16 or float32 -> bfloat16 or float32
    Rounding: order exact: the sum is exact and rounded once. Other orders: their own in float32, then one.
    Specials: NaN and infinity are not looked for, and what they give is not said.
    Streams:  the framework's current one; nothing waits for the device.
    Raises:   DtypeError, ShapeError, InputError.
    """
    x = take_input(x)
    s = signs_of(signs, BLOCK)
    mask = sum(1 << i for i, sign in enumerate(s.tolist()) if sign < 0)
    how = Order(one_of(order.value if isinstance(order, Order) else order, [o.value for o in Order], "order"))
    kind = one_of(out, _DTYPES, "out")
    if x.dtype not in _DTYPES:
        msg = f"x has dtype {x.dtype}: {' or '.join(_DTYPES)} is allowed"
        raise DtypeError(msg)
    if not x.shape or x.shape[-1] % BLOCK:
        msg = f"x of shape {x.shape}: a last axis in multiples of {BLOCK} is allowed"
        raise ShapeError(msg)
    blocks = x.size // BLOCK
    with launching(x.place, f"a rotation of shape {x.shape}"):
        own = empty(x.shape, kind, x.place)
        target = take_input(own, "out").words((blocks, BLOCK))
        given = (x.words((blocks, BLOCK)), np.int64(blocks), np.uint32(mask), np.int32(inverse), target)
        unit = rotate_unit(how, x.dtype, narrow=kind == "bfloat16")
        if blocks:
            start(unit, "fos_rotate_rows", -(-blocks // THREADS), given)
    return own
