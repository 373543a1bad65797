"""The door for bytes: NumPy, torch, CuPy, JAX and whatever speaks one of their protocols, as uint8.

No framework is imported here: whoever holds one of their arrays has imported it already.
"""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from fos_ref.errors import DtypeError, InputError
from fos_ref.formats.arrays import AnyArray, U8
from fos_ref.storage.layout import pack_nibbles

#: Types of one byte whose bits are what is meant.
_ONE_BYTE = ("uint8", "float8_e4m3fn", "float8_e8m0fnu", "float4_e2m1fn_x2")
_ONE_CODE = "float4_e2m1fn"  #: one element a byte, in its low nibble
_LARGEST_CODE = 15
_ALLOWED = "uint8 (or float8_e4m3fn, float8_e8m0fnu, float4_e2m1fn_x2) is allowed"


def as_bytes(a: Any, name: str) -> U8:
    """Return an array of bytes as NumPy uint8, without changing one.

    Takes NumPy arrays, torch tensors, CuPy and JAX arrays, CUDA arrays that can copy themselves to the host,
    DLPack producers, anything with __array__. Raises: DtypeError for anything else, with `name` in front.
    """
    return _bytes(_plain(a, name), name, _ONE_BYTE)


def as_codes(a: Any, name: str, shape: tuple[int, ...] | None) -> U8:
    """Return the codes of values of `shape` (None: not known) packed, two a byte, without changing one.

    Takes what `as_bytes` takes, packed, in any shape; and one code a byte: float4_e2m1fn, or as many bytes as
    there are values. Those are packed along the last axis, element 2j in the low nibble.
    Raises: DtypeError as `as_bytes`; InputError for a byte above 15 where it is one code; ShapeError for an
    odd last axis of them.
    """
    array = _plain(a, name)
    given = _bytes(array, name, (*_ONE_BYTE, _ONE_CODE))
    one_a_byte = shape is not None and given.size == math.prod(shape) and given.size > 0
    if array.dtype.name != _ONE_CODE and not one_a_byte:
        return given
    if given.size and given.max() > _LARGEST_CODE:
        msg = f"{name} of shape {given.shape}: {given.max()} is no code: one a byte is 0 to {_LARGEST_CODE}"
        raise InputError(msg)
    return pack_nibbles(given)


def _plain(a: Any, name: str) -> AnyArray:
    """Return `a` as a plain array in host memory. Raises: DtypeError for what is none."""
    array = _hosted(a)
    if array is None:
        msg = f"{name} is a {type(a).__name__}: an array of bytes is allowed; {_ALLOWED}"
        raise DtypeError(msg)
    if isinstance(array, np.ma.MaskedArray):
        msg = f"{name} is a masked array: a plain array is allowed (fill it first)"
        raise DtypeError(msg)
    return array


def _bytes(array: AnyArray, name: str, allowed: tuple[str, ...]) -> U8:
    if array.dtype.name not in allowed:
        msg = f"{name}: dtype {array.dtype}: {_ALLOWED}"
        raise DtypeError(msg)
    plain: U8 = np.ascontiguousarray(array).view(np.uint8)
    return plain.reshape(array.shape)


def _hosted(a: Any) -> AnyArray | None:
    """Return `a` as an array in host memory, in whatever dtype; None for what is no array."""
    if isinstance(a, np.ndarray):
        return a
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(a, torch.Tensor):
        return _from_torch(a, torch)
    for method in ("get", "copy_to_host"):  # CuPy; Numba's device arrays
        if hasattr(a, "__cuda_array_interface__") and hasattr(a, method):
            return np.asarray(getattr(a, method)())
    if hasattr(a, "__array__"):  # JAX, and whatever else can make a host array of itself
        return np.asarray(a)
    if hasattr(a, "__dlpack__"):
        try:
            return np.from_dlpack(a)
        except (TypeError, BufferError, RuntimeError) as e:
            msg = f"{type(a).__name__}: DLPack hand-over failed ({e}); pass uint8 in host memory"
            raise DtypeError(msg) from e
    return None


def _from_torch(a: Any, torch: Any) -> AnyArray:
    name = str(a.dtype).removeprefix("torch.")
    if name not in _ONE_BYTE or a.layout != torch.strided or a.is_meta:
        msg = f"a torch tensor of {a.dtype} on {a.device}: a dense one with data; {_ALLOWED}"
        raise DtypeError(msg)
    on_host = a.detach().cpu().contiguous()
    return np.asarray(on_host.view(torch.uint8).numpy())
