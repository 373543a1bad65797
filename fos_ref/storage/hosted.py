"""The one door for arrays: NumPy, torch, CuPy, JAX and whatever speaks a protocol, as NumPy in host memory.

No framework is imported here: whoever holds one of their arrays has imported it already. What their objects
do when asked is foreign code, so all of it runs behind one guard.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from fos_ref.errors import DtypeError, FosError
from fos_ref.foreign import cut, foreign
from fos_ref.formats.arrays import AnyArray
from fos_ref.storage.reach import beyond_numpy, beyond_torch

#: torch dtypes that NumPy lacks -> the integers of their size, and ml_dtypes' type of the same name.
_BITS = {
    "bfloat16": ("int16", ml_dtypes.bfloat16),
    "float8_e4m3fn": ("uint8", ml_dtypes.float8_e4m3fn),
    "float8_e8m0fnu": ("uint8", ml_dtypes.float8_e8m0fnu),
    "float4_e2m1fn_x2": ("uint8", np.uint8),
}


@dataclass(frozen=True, slots=True)
class Door:
    """What a door lets in."""

    kinds: str  #: the objects, in words
    dtypes: tuple[str, ...]  #: by name; empty: whatever the caller of the door makes of them
    allowed: str  #: the dtypes, in words
    error: type[FosError] = DtypeError
    by_array: bool = False  #: whether an object that has __array__ alone comes in


def on_host(a: Any, name: str, door: Door) -> AnyArray:
    """Return `a` as a plain NumPy array in host memory, without changing a value.

    Raises: the door's error, with `name` in front, for an object, a dtype or a byte order that it does not
    let in, for a masked array, for memory that does not reach the shape, and for whatever the object raises.
    """
    with foreign(f"{name} of type {kind(a)}", f"{door.kinds} is allowed; {door.allowed}", door.error):
        array = _hosted(a, name, door)
        if array is None:
            msg = f"{name} is a {kind(a)}: {door.kinds} is allowed; {door.allowed}"
            raise door.error(msg)
        if isinstance(array, np.ma.MaskedArray):
            msg = f"{name} is a masked array: a plain array is allowed (fill it first)"
            raise door.error(msg)
        _check_memory(beyond_numpy(array), name, door)
        plain = np.asarray(array)  # a subclass is not trusted to keep an array's meaning
        if not plain.dtype.isnative:
            msg = f"{name}: dtype {cut(plain.dtype.str)} has the other byte order: native order is allowed"
            raise door.error(msg)
        _check_dtype(plain.dtype, plain.dtype.name, name, door)
        return plain


def kind(a: Any) -> str:
    """Return the name of an object's type, whatever that type says of itself."""
    return cut(str(type.__dict__["__name__"].__get__(type(a))))


def _hosted(a: Any, name: str, door: Door) -> AnyArray | None:
    """Return `a` as an array in host memory; None for what is no array."""
    if isinstance(a, np.ndarray):
        return a
    torch, cupy = sys.modules.get("torch"), sys.modules.get("cupy")
    if torch is not None and isinstance(a, torch.Tensor):
        return _from_torch(a, torch, name, door)
    if cupy is not None and isinstance(a, cupy.ndarray):
        found: AnyArray = cupy.asnumpy(a)
        return found
    return _by_protocol(a, door)


def _by_protocol(a: Any, door: Door) -> AnyArray | None:
    """Return the array of an object of any other library; None for one that has no protocol of arrays."""
    found: AnyArray | None = None
    copies = ("get", "copy_to_host") if hasattr(a, "__cuda_array_interface__") else ()
    copy = next((m for m in copies if hasattr(a, m)), None)  # CuPy's look-alikes, Numba's device arrays
    if copy is not None:
        found = np.asanyarray(getattr(a, copy)())
    elif hasattr(a, "__dlpack__"):
        found = _from_dlpack(a)
    elif door.by_array and hasattr(a, "__array__"):
        found = np.asanyarray(a)
    return found


def _from_torch(a: Any, torch: Any, name: str, door: Door) -> AnyArray:
    """Return a dense torch tensor's values; an error for one without values of its own."""
    if a.layout != torch.strided or a.is_meta or a.is_nested:
        what = "nested" if a.is_nested else f"layout {a.layout}"
        msg = f"{name} is a torch tensor on {a.device}, {what}: a dense tensor with data is allowed"
        raise door.error(msg)
    dtype = str(a.dtype).removeprefix("torch.")
    _check_dtype(a.dtype, dtype, name, door)
    _check_memory(beyond_torch(a), name, door)
    values = a.detach().cpu().resolve_neg()
    if dtype not in _BITS:
        array: AnyArray = values.numpy()
    else:
        words, as_numpy = _BITS[dtype]
        array = values.view(getattr(torch, words)).numpy().view(as_numpy)
    if array.shape != tuple(a.shape):
        msg = f"{name} is a torch tensor of shape {tuple(a.shape)} that hands over {array.shape}"
        raise door.error(msg)
    return array


def _from_dlpack(a: Any) -> AnyArray:
    """Return the array of a DLPack producer; NumPy takes no bfloat16 that way, so __array__ is the other way.

    Its dtype has to be the object's own: the object must not cast.
    """
    try:
        return np.from_dlpack(a)
    except Exception:
        if not hasattr(a, "__array__"):
            raise
        array: AnyArray = np.asanyarray(a)
        own = getattr(a, "dtype", None)
        if getattr(own, "name", str(own)) != array.dtype.name:
            raise  # what was said first
        return array


def _check_dtype(dtype: Any, name_of_dtype: str, name: str, door: Door) -> None:
    if door.dtypes and name_of_dtype not in door.dtypes:
        msg = f"{name}: dtype {cut(str(dtype))}: {door.allowed}"
        raise door.error(msg)


def _check_memory(beyond: str | None, name: str, door: Door) -> None:
    if beyond is not None:
        msg = f"{name}: {beyond}: an array whose memory is there is allowed"
        raise door.error(msg)
