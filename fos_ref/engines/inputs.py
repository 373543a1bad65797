"""The door for arrays: NumPy, torch, CuPy or anything with DLPack, checked once and never cast silently.

torch and CuPy are never imported here: whoever holds one of their tensors has imported them already.
"""

from __future__ import annotations

import sys
from typing import Any

import ml_dtypes
import numpy as np

from fos_ref.errors import DtypeError, Remedy, ShapeError
from fos_ref.formats.arrays import AnyArray

ALLOWED_DTYPES = tuple(np.dtype(t) for t in (np.float32, np.float16, ml_dtypes.bfloat16))


def as_numpy(x: Any) -> AnyArray:
    """Return `x` as a NumPy array of float32, float16 or bfloat16, without changing a value.

    Takes NumPy arrays, torch tensors (CPU or GPU, bfloat16 included), CuPy arrays and DLPack producers.
    Raises: DtypeError for any other dtype or object, named.
    """
    array = _from_torch(x)
    if array is None:
        array = _from_cupy(x)
    if array is None and isinstance(x, np.ndarray):
        array = _from_numpy(x)
    if array is None:
        array = _from_dlpack(x)
    if not array.dtype.isnative:
        msg = f"dtype {array.dtype.str} has the other byte order: native order is allowed"
        raise DtypeError(msg)
    if array.dtype not in ALLOWED_DTYPES:
        msg = f"dtype {array.dtype}: float32, float16 or bfloat16 is allowed (nothing is cast silently)"
        raise DtypeError(msg)
    return array


def _from_numpy(x: AnyArray) -> AnyArray:
    """Return a plain array: a subclass is not trusted to keep an array's meaning, a mask would be lost."""
    if isinstance(x, np.ma.MaskedArray):
        msg = "a masked array: a plain array is allowed (fill it first)"
        raise DtypeError(msg)
    return np.asarray(x)


def _from_torch(x: Any) -> AnyArray | None:
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(x, torch.Tensor):
        return None
    if x.layout != torch.strided or x.is_meta:
        msg = f"a torch tensor on {x.device} with layout {x.layout}: a dense tensor with data is allowed"
        raise DtypeError(msg)
    x = x.detach().cpu().resolve_neg()
    if x.dtype == torch.bfloat16:  # DLPack carries bfloat16, NumPy does not take it: hand over the bits
        bits: AnyArray = x.view(torch.int16).numpy()
        values: AnyArray = bits.view(ml_dtypes.bfloat16)
        return values
    if x.dtype not in (torch.float32, torch.float16):
        msg = f"dtype {x.dtype}: float32, float16 or bfloat16 is allowed (nothing is cast silently)"
        raise DtypeError(msg)
    return np.asarray(x.numpy())


def _from_cupy(x: Any) -> AnyArray | None:
    cupy = sys.modules.get("cupy")
    if cupy is None or not isinstance(x, cupy.ndarray):
        return None
    return np.asarray(cupy.asnumpy(x))


def _from_dlpack(x: Any) -> AnyArray:
    if not hasattr(x, "__dlpack__"):
        msg = f"{type(x).__name__}: a NumPy array, a torch or CuPy tensor, or a DLPack object is allowed"
        raise DtypeError(msg)
    try:
        return np.from_dlpack(x)
    except (TypeError, BufferError, RuntimeError) as e:
        msg = (
            f"{type(x).__name__}: DLPack hand-over failed ({e}); pass float32, float16 or bfloat16 on the CPU"
        )
        raise DtypeError(msg) from e


def check_shape(shape: tuple[int, ...], block_rows: int, block_cols: int) -> None:
    """Raise ShapeError unless blocks of block_rows x block_cols tile the last two axes (rows flattened)."""
    if not shape:
        msg = "x of shape (): at least one axis is needed, and the last one is blocked"
        raise ShapeError(msg)
    if shape[-1] % block_cols:
        msg = f"x of shape {shape}: the last axis must be a multiple of {block_cols}"
        raise ShapeError(msg, remedy=Remedy("padding='zero'", "pads it"))
    rows = int(np.prod(shape[:-1], dtype=np.int64))
    if rows % block_rows:
        msg = f"x of shape {shape}: {rows} rows are not a multiple of {block_rows}"
        raise ShapeError(msg, remedy=Remedy("padding='zero'", "pads them"))
