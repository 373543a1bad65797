"""The door for codes: packed, two a byte, or one a byte, as a recipe stores them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from fos_ref.errors import InputError
from fos_ref.formats.arrays import U8
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.bytes_door import as_bytes, BYTES
from fos_ref.storage.hosted import on_host
from fos_ref.storage.layout import stored

_ONE_CODE = "float4_e2m1fn"  #: one element a byte, in its low nibble
CODES = replace(
    BYTES,
    dtypes=("uint8", "float4_e2m1fn_x2", _ONE_CODE),
    allowed="uint8 (or float4_e2m1fn_x2, two codes a byte; float4_e2m1fn, one) is allowed",
)


def as_codes(a: Any, name: str, shape: tuple[int, ...] | None, r: Recipe) -> U8:
    """Return the codes of values of `shape` (None: not known) as r stores them, without changing one.

    Takes what `as_bytes` takes, packed, in any shape; and one code a byte: float4_e2m1fn, or as many bytes as
    there are values. Where codes have 4 bits, those are packed along the last axis, element 2j in the low
    nibble.
    Raises: DtypeError as `as_bytes`; InputError for a byte wider than a code where it is one; ShapeError for
    an odd last axis of them.
    """
    array = on_host(a, name, CODES)
    given = as_bytes(array, name, CODES)
    counted = shape is not None and given.size == math.prod(shape) and given.size > 0
    if array.dtype.name != _ONE_CODE and not counted and r.codes_per_byte > 1:
        return given
    largest = (1 << r.element.width) - 1
    if given.size and given.max() > largest:
        msg = f"{name} of shape {given.shape}: {given.max()} is no code: one a byte is 0 to {largest}"
        raise InputError(msg)
    return stored(given, r)
