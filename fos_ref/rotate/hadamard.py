"""The randomized Hadamard transform: its bits, and where every legal order of summation gives the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

from fos_ref.arguments import one_of
from fos_ref.errors import DtypeError, InputError, ShapeError
from fos_ref.formats.arrays import AnyArray, Bool, F64, I64
from fos_ref.formats.catalog import BFLOAT16, FLOAT32
from fos_ref.formats.codec import encode
from fos_ref.rotate.matrix import checked_size, scale, SIGNS_H16, signs_of
from fos_ref.rotate.orders import exact_sums, in_float32, Order
from fos_ref.rotate.whole import to_float, Wholes

_OUTS = {"bfloat16": (BFLOAT16, np.dtype(ml_dtypes.bfloat16)), "float32": (FLOAT32, np.dtype(np.float32))}
_BLOCKS_AT_ONCE = 1 << 13
_PASS = 16  #: products that one pass of a tensor core adds, beside what it has
_DIGITS = 24  #: of a float32
_OVERFLOW = 2.0**128
_ENTRY_DIGITS = 8  #: of a bfloat16
_LAST_BIT = -149  #: of a subnormal float32


class Rotated(NamedTuple):
    """A rotated tensor, and which of its bits no order of summation can change."""

    y: AnyArray  #: the outputs, bfloat16 or float32
    decided: Bool  #: the same shape


def hadamard(
    x: Any,
    size: int = 16,
    signs: int | Sequence[int] = SIGNS_H16,
    out: str = "bfloat16",
    *,
    order: str | Order = Order.EXACT,
    inverse: bool = False,
) -> Rotated:
    """Return y_c = h * sum over r of s_r x_r (-1)^popcount(r & c), for each `size` consecutive values.

    signs:    a mask, bit r set where s_r = -1, or `size` numbers 1 and -1. 0 is the matrix without signs
    out:      "bfloat16", or "float32" for programs that do not round before they quantize
    order:    "exact", or a name of `Order` for the bits of a program whose order of summation is known
    inverse:  x_r = s_r h * sum over c of y_c (-1)^popcount(r & c): the signs after the sum
    Shapes:   (..., n size) -> the same. A columnwise copy is rotated as x^T, along the tokens
    Dtypes:   bfloat16 or float32 with finite values -> bfloat16 or float32
    Rounding: h is size^(-1/2) rounded to bfloat16. Order exact: the sum has none, and y is rounded once to
              `out`, to nearest even. Another order: its own in float32, then one to `out`. A sum that is zero
              is +0.
    decided:  True where the output is the same for every order of float32 additions rounded to nearest, with
              products by h before them or after, and for sums of 16 products a pass, aligned to the largest
              and cut to 24 bits, as tensor cores do. Either the block is exact in any order, or both ends of
              an interval that holds every such result round to the same bits. Subnormal numbers are kept.
    Raises:   DtypeError, ShapeError, InputError for NaN and infinity.
    Spec:     docs/training.md, Rotation. TransformerEngine nvfp4_tensor.py::get_rht_matrix @d0067d0d; torchao
              hadamard_utils.py::get_rht_matrix @36027d82; Quartet-II python/quartet2/linear.py @8776a90b.
    """
    n = checked_size(size)
    given = _checked(x, n)
    s = signs_of(signs, n)
    kind = one_of(out, _OUTS, "out")
    how = Order(one_of(order.value if isinstance(order, Order) else order, [o.value for o in Order], "order"))
    rows = given.reshape(-1, n)
    before, after = (np.ones_like(s), s) if inverse else (s, np.ones_like(s))
    y = np.empty(rows.shape, dtype=_OUTS[kind][1])
    decided = np.empty(rows.shape, dtype=bool)
    for start in range(0, len(rows), _BLOCKS_AT_ONCE):
        part = slice(start, start + _BLOCKS_AT_ONCE)
        y[part], decided[part] = _rotated(rows[part] * before, after, kind, how)
    return Rotated(y.reshape(given.shape), decided.reshape(given.shape))


def _rotated(x: F64, after: I64, out: str, order: Order) -> tuple[AnyArray, Bool]:
    """Return outputs and decided mask of rows (K, n) of signed values; `after` are the inverse's signs."""
    fmt, dtype = _OUTS[out]
    entry = scale(x.shape[1])
    exact, safe = _exact(x, entry)
    spread = _error(x, entry)[:, None]
    low, high = (encode(exact + side * spread, fmt) for side in (-1, 1))
    nothing = ~(np.signbit(x).any(axis=1) & (x == 0).all(axis=1))  # a sum of -0 alone may be -0
    decided = (safe & nothing)[:, None] | ((low == high) & np.isfinite(spread))
    if order is Order.EXACT:
        return encode(_signed(exact, after), fmt).view(dtype), decided
    return _signed(in_float32(x.astype(np.float32), entry, order), after).astype(dtype), decided


def _signed(y: AnyArray, after: I64) -> AnyArray:
    """Return outputs with the signs of an inverse; a zero stays as it is, its products cancel."""
    return np.where(y == 0, y, y * after.astype(y.dtype))


def _exact(x: F64, entry: float) -> tuple[F64, Bool]:
    """Return the exact outputs (odd where float64 is too short), and which rows no float32 sum rounds.

    Such a row's magnitudes, times the whole number of the entry, stay below 2^24 units together.
    """
    numerator, power = _entry(entry)
    rows = Wholes.of(x)
    fit = rows.fit(_ENTRY_DIGITS + x.shape[1].bit_length())
    exact, safe = np.empty(x.shape), np.zeros(len(x), dtype=bool)
    unit = rows.unit + power
    for some, dtype in ((fit, np.int64), (~fit, object)):
        if some.any():
            whole = rows.whole(some, dtype)
            sums = exact_sums(whole) * numerator
            exact[some] = to_float(sums.ravel(), np.repeat(unit[some], x.shape[1])).reshape(sums.shape)
            safe[some] = np.add.reduce(np.abs(whole), axis=1) * numerator < 1 << _DIGITS
    return exact, safe & (unit >= _LAST_BIT) & (np.abs(x).max(axis=1) * x.shape[1] < _OVERFLOW)


def _error(x: F64, entry: float) -> F64:
    """Return what no legal sum of a row is further from the truth than; infinity where one may overflow.

    Additions rounded to nearest, in any order: (n - 1) 2^-24 of the sum of magnitudes, and 2^-24 more for a
    product before or after them. A tensor core's pass: each of 16 products, and what they are added to, loses
    less than 2^-23 of the largest, and so does the result. One part in n more pays for float64's own errors.
    """
    n = x.shape[1]
    total = np.add.reduce(np.abs(x), axis=1)
    any_order = (n + 1) * 2.0**-_DIGITS * total
    largest = np.abs(x).max(axis=1) if n == _PASS else total
    passes = n // _PASS * (_PASS * largest + (1 if n == _PASS else 2) * total) * 2.0 ** (1 - _DIGITS)
    tiny = n * 2.0**_LAST_BIT
    return np.where(total < _OVERFLOW / 2, np.maximum(any_order, passes) * entry + tiny, np.inf)


def _entry(entry: float) -> tuple[int, int]:
    """Return the whole number and the power of two that an entry is the product of."""
    numerator, denominator = entry.as_integer_ratio()
    return numerator, 1 - denominator.bit_length()


def _checked(x: Any, size: int) -> F64:
    """Return finite values as float64, the last axis a multiple of the size."""
    given = np.asarray(x)
    if given.dtype not in (np.dtype(ml_dtypes.bfloat16), np.dtype(np.float32)):
        msg = f"values of dtype {given.dtype}: bfloat16 or float32 is allowed"
        raise DtypeError(msg)
    if given.ndim == 0 or given.shape[-1] % size:
        msg = f"values of shape {given.shape}: a last axis in multiples of {size} is allowed"
        raise ShapeError(msg)
    values = given.astype(np.float64)
    if not np.isfinite(values).all():
        msg = "NaN or infinity: a rotation takes finite values"
        raise InputError(msg)
    return values
