"""What `fos_ref.quantize(x, engine="cuda")` does with an x in device memory: it stays there."""

from __future__ import annotations

from typing import Any

from fos_gpu.front import quantize
from fos_gpu.tensors import is_on_device, take_input, to_numpy
from fos_ref.engines.given import Fixed
from fos_ref.errors import DtypeError, InputError
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.tensor import QuantizedTensor


def quantize_to_host(x: Any, r: Recipe, fixed: Fixed) -> QuantizedTensor | None:
    """Return `fos_ref.quantize` of a device array; None for an array that the kernels do not take as it is.

    x is checked for NaN and infinity, and an amax on the device by its values, as `fos_ref.quantize` says.
    """
    if not is_on_device(x) or len(x.shape) == 0:
        return None
    try:
        take_input(x)
    except (
        DtypeError,
        InputError,
    ):  # not contiguous, not aligned, elsewhere: the host's copy is none of these
        return None
    amax = to_numpy(fixed.amax) if is_on_device(fixed.amax) else fixed.amax
    return quantize(
        x, r, amax=amax, tensor_scale=fixed.tensor_scale, encode_scale=fixed.encode_scale, check=True
    ).to_host()
