"""The door for codes: packed, two a byte, or one a byte."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from fos_ref.errors import InputError
from fos_ref.formats.arrays import U8
from fos_ref.storage.bytes_door import as_bytes, BYTES
from fos_ref.storage.hosted import on_host
from fos_ref.storage.layout import pack_nibbles

_ONE_CODE = "float4_e2m1fn"  #: one element a byte, in its low nibble
_LARGEST_CODE = 15
CODES = replace(
    BYTES,
    dtypes=("uint8", "float4_e2m1fn_x2", _ONE_CODE),
    allowed="uint8 (or float4_e2m1fn_x2, two codes a byte; float4_e2m1fn, one) is allowed",
)


def as_codes(a: Any, name: str, shape: tuple[int, ...] | None) -> U8:
    """Return the codes of values of `shape` (None: not known) packed, two a byte, without changing one.

    Takes what `as_bytes` takes, packed, in any shape; and one code a byte: float4_e2m1fn, or as many bytes as
    there are values. Those are packed along the last axis, element 2j in the low nibble.
    Raises: DtypeError as `as_bytes`; InputError for a byte above 15 where it is one code; ShapeError for an
    odd last axis of them.
    """
    array = on_host(a, name, CODES)
    given = as_bytes(array, name, CODES)
    one_a_byte = shape is not None and given.size == math.prod(shape) and given.size > 0
    if array.dtype.name != _ONE_CODE and not one_a_byte:
        return given
    if given.size and given.max() > _LARGEST_CODE:
        msg = f"{name} of shape {given.shape}: {given.max()} is no code: one a byte is 0 to {_LARGEST_CODE}"
        raise InputError(msg)
    return pack_nibbles(given)
