"""The door for bytes: codes and block scales of any framework as uint8."""

from __future__ import annotations

from typing import Any

import numpy as np

from fos_ref.formats.arrays import U8
from fos_ref.storage.hosted import Door, on_host

BYTES = Door(
    kinds="an array of bytes (NumPy, torch, CuPy, JAX, DLPack or __array__)",
    dtypes=("uint8", "float8_e4m3fn", "float8_e8m0fnu", "float4_e2m1fn_x2"),
    allowed="uint8 (or float8_e4m3fn, float8_e8m0fnu, float4_e2m1fn_x2) is allowed",
    by_array=True,
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
