"""The Hadamard matrix as data: sizes, signs, and what its entries are in bfloat16."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from fos_ref.arguments import is_a, whole
from fos_ref.errors import InputError
from fos_ref.foreign import shown
from fos_ref.formats.arrays import I64
from fos_ref.formats.catalog import BFLOAT16
from fos_ref.formats.codec import decode, encode

SIZES = (16, 32, 64, 128, 256)

#: The sign vector that TransformerEngine, torchao's default and fouroversix share, bit i for row i:
#: 1 1 1 -1 1 -1 -1 -1 -1 -1 -1 1 -1 1 -1 -1. A set bit is -1.
SIGNS_H16 = 0xD7E8


def checked_size(size: Any) -> int:
    """Return a size that is known; InputError lists them."""
    if not is_a(size, (int, np.integer)) or is_a(size, bool) or int(size) not in SIZES:
        msg = f"size {shown(size)}: one of {', '.join(map(str, SIZES))} is allowed"
        raise InputError(msg)
    return int(size)


def signs_of(signs: int | Sequence[int], size: int) -> I64:
    """Return the signs, 1 and -1, of a mask (bit i set: -1 for row i) or of `size` numbers 1 and -1.

    Shapes: -> (size,)
    Dtypes: -> int64
    Raises: InputError for a mask of more bits, another number of signs, or a number that is neither 1 nor -1.
    """
    if is_a(signs, (int, np.integer)):
        mask = whole(signs, "signs", 0, (1 << size) - 1)
        return np.array([1 - 2 * (mask >> i & 1) for i in range(size)], dtype=np.int64)
    given = np.asarray(signs)
    if given.shape != (size,) or not np.isin(given, (1, -1)).all():
        msg = f"signs of shape {given.shape}: a mask of {size} bits, or {size} numbers 1 and -1, are allowed"
        raise InputError(msg)
    return given.astype(np.int64)


def sylvester(size: int) -> I64:
    """Return the matrix of signs (-1)^popcount(r & c): symmetric, and `size` times its own inverse."""
    h = np.ones((1, 1), dtype=np.int64)
    while h.shape[0] < size:
        h = np.block([[h, h], [h, -h]])
    return h


def scale(size: int) -> float:
    """Return the magnitude of every entry: size^(-1/2) rounded to bfloat16.

    1/4 for 16, 1/8 for 64 and 1/16 for 256 are exact; 32 has 181/1024 and 128 has 181/2048.
    Rounding: one, to bfloat16, to nearest even.
    Errors:   none; what is no size that a rotation takes is refused by `hadamard`.
    """
    return float(decode(encode(np.array(size**-0.5), BFLOAT16), BFLOAT16))


def gain(size: int) -> Fraction:
    """Return what a product of two operands grows by where both are rotated: size * scale^2, exactly.

    size: a power of two. Errors: none; what is no size that a rotation takes is refused by `hadamard`.
    """
    return size * Fraction(scale(size)) ** 2
