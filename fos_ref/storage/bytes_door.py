"""The door for bytes: codes and block scales of any framework as uint8."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from fos_ref.errors import InputError
from fos_ref.formats.arrays import U8
from fos_ref.storage.hosted import Door, on_host
from fos_ref.storage.layout import pack_nibbles

_ONE_CODE = "float4_e2m1fn"  #: one element a byte, in its low nibble
_LARGEST_CODE = 15
BYTES = Door(
    kinds="an array of bytes (NumPy, torch, CuPy, JAX, DLPack or __array__)",
    dtypes=("uint8", "float8_e4m3fn", "float8_e8m0fnu", "float4_e2m1fn_x2"),
    allowed="uint8 (or float8_e4m3fn, float8_e8m0fnu, float4_e2m1fn_x2) is allowed",
    by_array=True,
)
CODES = replace(
    BYTES,
    dtypes=("uint8", "float4_e2m1fn_x2", _ONE_CODE),
    allowed="uint8 (or float4_e2m1fn_x2, two codes a byte; float4_e2m1fn, one) is allowed",
)


def as_bytes(a: Any, name: str, door: Door = BYTES) -> U8:
    """Return an array of bytes as NumPy uint8, without changing one.

    Takes NumPy arrays, torch tensors, CuPy and JAX arrays, CUDA arrays that can copy themselves to the host,
    DLPack producers, anything with __array__. Raises: DtypeError for anything else, with `name` in front; for
    a masked array, for memory that does not reach the shape, and for whatever the object itself raises.
    """
    array = on_host(a, name, door)
    plain: U8 = np.ascontiguousarray(array).view(np.uint8)
    return plain.reshape(array.shape)


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
