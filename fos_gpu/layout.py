"""Block scales on the device between their two layouts (N16)."""

from __future__ import annotations

import math
from typing import Any

from fos_gpu import launch
from fos_gpu.tensors import empty, launching, take, Tensor
from fos_ref.errors import DtypeError, ShapeError
from fos_ref.storage.layout import swizzled_shape


def swizzle(scales: Any, *, out: Any = None) -> Any:
    """Return block scales on the device in the 128x4 layout (N16): the bytes of `fos_ref.swizzle`.

    out:      a flat uint8 array of the result's size, which is overwritten
    Shapes:   (R, B) -> flat, ceil(R / 128) * ceil(B / 4) * 512 bytes; the padding is 0
    Dtypes:   uint8 -> uint8
    Streams:  the framework's current one; nothing waits for the device.
    Raises:   ShapeError, DtypeError, InputError, ToolchainError.
    """
    tensor = _bytes(scales, "scales")
    if len(tensor.shape) != 2:  # noqa: PLR2004 -- a matrix
        msg = f"scales of shape {tensor.shape}: 2 dimensions are allowed"
        raise ShapeError(msg)
    size = math.prod(swizzled_shape(*tensor.shape))
    with launching(tensor.place, f"scales of shape {tensor.shape}"):
        own = empty((size,), "uint8", tensor.place) if out is None else out
        target = _bytes(own, "out")
        _check_size(target, "out", size, tensor.shape)
        if size:
            launch.swizzle(tensor.words(tensor.shape), target.words((size,)))
    return own


def unswizzle(scales: Any, rows: int, cols: int) -> Any:
    """Return the linear block scales of `swizzle`'s output, on the device; the padding is dropped.

    Shapes:   ceil(rows / 128) * ceil(cols / 4) * 512 bytes -> (rows, cols)
    Dtypes:   uint8 -> uint8
    Streams:  the framework's current one; nothing waits for the device.
    Raises:   ShapeError for another number of bytes; otherwise as `swizzle`.
    """
    tensor = _bytes(scales, "scales")
    size = math.prod(swizzled_shape(rows, cols))
    _check_size(tensor, "scales", size, (rows, cols))
    with launching(tensor.place, f"scales of shape ({rows}, {cols})"):
        own = empty((rows, cols), "uint8", tensor.place)
        if rows * cols:
            launch.unswizzle(tensor.words((size,)), _bytes(own, "out").words((rows, cols)))
    return own


def _bytes(own: Any, name: str) -> Tensor:
    tensor = take(own, name, alignment=1)
    if tensor.dtype != "uint8":
        msg = f"{name} has dtype {tensor.dtype}: uint8 (E4M3 bytes) is allowed"
        raise DtypeError(msg)
    return tensor


def _check_size(tensor: Tensor, name: str, size: int, shape: tuple[int, ...]) -> None:
    if tensor.size != size:
        msg = f"{name} has {tensor.size} bytes: scales of shape {shape} take {size}"
        raise ShapeError(msg)
