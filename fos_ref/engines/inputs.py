"""The door for values: an array of any framework as NumPy floats, checked once and never cast silently."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np

from fos_ref.errors import Remedy, ShapeError
from fos_ref.formats.arrays import AnyArray
from fos_ref.storage.hosted import Door, on_host

ALLOWED_DTYPES = tuple(np.dtype(t) for t in (np.float32, np.float16, ml_dtypes.bfloat16))
FLOATS = Door(
    kinds="a NumPy array, a torch, CuPy or JAX array, or a DLPack object",
    dtypes=tuple(t.name for t in ALLOWED_DTYPES),
    allowed="float32, float16 or bfloat16 is allowed (nothing is cast silently)",
)


def as_numpy(x: Any, name: str = "x") -> AnyArray:
    """Return `x` as a NumPy array of float32, float16 or bfloat16 in host memory, without changing a value.

    Takes NumPy arrays, torch, CuPy and JAX arrays (of any device, bfloat16 included), and DLPack producers.
    Raises: DtypeError for any other object or dtype, for a masked array, for memory that does not reach the
    shape, and for whatever the object itself raises.
    """
    return on_host(x, name, FLOATS)


def check_shape(shape: tuple[int, ...], block_rows: int, block_cols: int) -> None:
    """Raise ShapeError unless blocks of block_rows x block_cols tile the last two axes (rows flattened)."""
    if not shape:
        msg = "x of shape (): at least one axis is needed, and the last one is blocked"
        raise ShapeError(msg)
    if shape[-1] % block_cols:
        msg = f"x of shape {shape}: the last axis must be a multiple of {block_cols}"
        raise ShapeError(msg, remedy=Remedy("padding='zero'", "pads it"))
    rows = math.prod(shape[:-1])
    if rows % block_rows:
        msg = f"x of shape {shape}: {rows} rows are not a multiple of {block_rows}"
        raise ShapeError(msg, remedy=Remedy("padding='zero'", "pads them"))
