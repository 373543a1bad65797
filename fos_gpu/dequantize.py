"""Values of a quantized tensor on the device, in arrays of its own framework (N14)."""

from __future__ import annotations

from typing import Any

import numpy as np

from fos_gpu import launch
from fos_gpu.quantized import check_on_device, DeviceQuantized
from fos_gpu.tensors import DTYPES, empty, launching, take
from fos_ref.errors import DtypeError, InputError
from fos_ref.foreign import foreign, shown


def dequantize(q: DeviceQuantized, dtype: Any = np.float32, *, out: Any = None) -> Any:
    """Return the values of `q` by its recipe's own expression (N14): the bits of `fos_ref.dequantize`.

    dtype:    a NumPy dtype, a torch dtype or a name
    out:      an array of the result's shape and dtype, which is overwritten
    Shapes:   -> q.shape
    Dtypes:   -> float32, float16 or bfloat16
    Rounding: as docs/numerics.md N14 lists, in float32; float16 and bfloat16 by one more, to nearest even.
    Specials: every NaN is 7FC00000, 7FC0 (bfloat16) or 7E00 (float16).
    Streams:  the framework's current one; nothing waits for the device.
    Raises:   DtypeError, InputError for another `out`, ToolchainError.
    """
    check_on_device(q, "dequantize")
    wanted, shape = dtype_name(dtype), (q.rows, q.cols)
    with launching(q.place, f"a {wanted} tensor of shape {q.shape}"):
        own = empty(q.shape, wanted, q.place) if out is None else out
        target = take(own, "out")
        if (target.shape, target.dtype, target.place) != (q.shape, wanted, q.place):
            given = f"{target.dtype} {target.shape} on {target.place}"
            msg = f"out is {given}: {wanted} {q.shape} on {q.place} is allowed"
            raise InputError(msg)
        if target.size:
            parts = (q.words.codes, q.words.linear, q.words.scales)
            launch.dequantize(q.recipe, wanted, parts, shape, target.words(shape))
    return own


def dtype_name(dtype: Any) -> str:
    """Return the name of a NumPy dtype, a torch dtype or a name itself; DtypeError for one not taken."""
    what, allowed = f"dtype {shown(dtype)}", "float32, float16 or bfloat16 is allowed"
    with foreign(what, allowed, DtypeError):
        text = str(dtype).removeprefix("torch.")
        name = text if text in DTYPES else np.dtype(dtype).name
    if name not in DTYPES:
        msg = f"{what}: {allowed}"
        raise DtypeError(msg)
    return name
