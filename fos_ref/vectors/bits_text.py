"""Arrays as hexadecimal text and back: a string per row, elements in order, most significant digit first."""

from __future__ import annotations

from typing import Any

import numpy as np

from fos_ref.errors import GoldenFormatError
from fos_ref.foreign import shown
from fos_ref.formats.arrays import AnyArray
from fos_ref.inputs.distributions import DTYPES

_UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32}
_DIGITS = set("0123456789ABCDEF")


def to_hex(a: AnyArray) -> list[str]:
    """Return the bit patterns of a (R, C) as R strings of C numbers, e.g. "3F800000 80000000"."""
    bits = np.ascontiguousarray(a).view(_UNSIGNED[a.dtype.itemsize])
    width = 2 * a.dtype.itemsize
    return [" ".join(f"{int(v):0{width}X}" for v in row) for row in bits]


def from_hex(rows: Any, dtype: str, shape: tuple[int, int], what: str) -> AnyArray:
    """Return the array (R, C) whose bit patterns `to_hex` wrote; `dtype` is a float's name.

    Raises: GoldenFormatError for anything else, with `what` in front.
    """
    kind = DTYPES[dtype]
    width = 2 * kind.itemsize
    words = [row.split(" ") for row in rows] if _are_strings(rows) else []
    well_formed = (
        len(words) == shape[0]  # not a list of the size that a file states
        and all(len(w) == shape[1] for w in words)
        and all(len(v) == width and set(v) <= _DIGITS for w in words for v in w)
    )
    if not well_formed:
        size = f"{shown(shape[0])} strings of {shown(shape[1])} numbers"
        msg = f"{what}: {size} of {width} hex digits are allowed"
        raise GoldenFormatError(msg)
    bits = [[int(v, 16) for v in w] for w in words]
    return np.array(bits, dtype=_UNSIGNED[kind.itemsize]).reshape(shape).view(kind)


def _are_strings(rows: Any) -> bool:
    return isinstance(rows, list) and all(isinstance(row, str) for row in rows)
