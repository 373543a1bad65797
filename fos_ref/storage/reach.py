"""Does the memory behind an array reach as far as its shape and strides say? What is freed must not be read.

FSDP releases the storage of a sharded parameter and keeps its shape; ndarray.resize(refcheck=False) moves the
memory under a view; a file under a map gets shorter. DLPack, __array_interface__ and
__cuda_array_interface__ hand over an address without a size: there only an address of 0 can be told. CuPy
arrays hold their memory; views beyond it are not told.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from fos_ref.formats.arrays import AnyArray

Bounds = tuple[int, int]
#: What NumPy puts between an array of as_strided and the array that it was made of.
_STRIDED = "numpy.lib._stride_tricks_impl"
_BUFFERS = (memoryview, bytes, bytearray, mmap.mmap, ctypes.Array, ctypes.Structure)


def beyond_torch(x: Any) -> str | None:
    """Return what a torch tensor lacks of the memory that it reaches; None where it lacks nothing."""
    if x.numel() == 0:
        return None
    storage = x.untyped_storage()
    last = sum((n - 1) * stride for n, stride in zip(x.shape, x.stride(), strict=True))
    needed = (x.storage_offset() + last + 1) * x.element_size()
    if storage.nbytes() < needed:
        return f"its shape reaches {needed} bytes, its storage has {storage.nbytes()} (was it released?)"
    return "it has no memory" if storage.data_ptr() == 0 else None


def beyond_numpy(x: AnyArray) -> str | None:
    """Return what a NumPy array lacks of the memory that it reaches, as far as its bases tell."""
    if not x.size:
        return None
    if x.ctypes.data == 0:
        return "it has no memory"
    owner = _owner(x)
    if owner is None:
        return None
    whole = _bounds(owner)
    own = byte_bounds(x)
    if whole is not None and (found := _outside(own, whole)):
        return found
    return _beyond_file(x, owner, own[1] - whole[0]) if isinstance(owner, mmap.mmap) and whole else None


def _outside(own: Bounds, whole: Bounds) -> str | None:
    if whole[0] <= own[0] and own[1] <= whole[1]:
        return None
    return f"its shape spans {own[1] - own[0]} bytes, not all in the {whole[1] - whole[0]} of its memory"


def _owner(x: AnyArray) -> Any:
    """Return what holds the memory of a view, None for an array that is no view."""
    found: Any = None
    base: Any = x.base
    while base is not None:
        found = base
        inner = isinstance(base, np.ndarray) or type(base).__module__ == _STRIDED
        base = base.base if inner else None
    return found


def _bounds(owner: Any) -> Bounds | None:
    """Return where the memory of an owner begins and ends; None where it does not say."""
    if isinstance(owner, np.ndarray):
        return byte_bounds(owner)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(owner, torch.Tensor):
        storage = owner.untyped_storage()
        return storage.data_ptr(), storage.data_ptr() + storage.nbytes()
    if not isinstance(owner, _BUFFERS):
        return None
    buffer = memoryview(owner)
    if not buffer.c_contiguous or not buffer.nbytes:
        return None
    return byte_bounds(np.frombuffer(buffer, dtype=np.uint8))


def _beyond_file(x: AnyArray, owner: mmap.mmap, end: int) -> str | None:
    """Return that the file of a map has become shorter than what is read of it."""
    skipped = x.offset - x.offset % mmap.ALLOCATIONGRANULARITY if isinstance(x, np.memmap) else 0
    try:
        there = owner.size()
    except (OSError, ValueError):  # it does not know its file
        return None
    return f"it reaches byte {skipped + end} of a file of {there}" if there < skipped + end else None
