"""The public calls on device arrays: quantize and amax. The host reads nothing, so graphs can hold them."""

from __future__ import annotations

import math
import sys
from functools import cache
from typing import Any

import numpy as np

from fos_gpu import launch
from fos_gpu.build.lower import unsupported
from fos_gpu.build.probe import available
from fos_gpu.engine import launch_quantize
from fos_gpu.quantized import block_shape, DeviceQuantized, LAYOUTS
from fos_gpu.tensors import (
    DTYPES,
    empty,
    is_on_device,
    launching,
    Place,
    take,
    take_input,
    Tensor,
    to_numpy,
    zeros,
)
from fos_ref.arguments import one_of
from fos_ref.engines.given import check_finite, Fixed
from fos_ref.engines.inputs import check_shape
from fos_ref.errors import DtypeError, InputError, ShapeError, ToolchainError
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.catalog import recipe as get_recipe
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.layout import swizzled_shape


def quantize(
    x: Any,
    recipe: Recipe | str = "4over6",
    *,
    amax: Any = None,
    tensor_scale: float | None = None,
    encode_scale: Any = None,
    scale_layout: str = "linear",
    columnwise: bool = False,
    out: DeviceQuantized | None = None,
    check: bool = False,
) -> DeviceQuantized:
    """Quantize a device array by `recipe`: the bits of `fos_ref.quantize`, in arrays of x's framework.

    recipe:   the name of a preset or a `Recipe`; a stochastic one is for `fos_gpu.training.quantize`
    amax:     the tensor amax: numbers as `fos_ref.quantize` takes them; or a float32 array on the device, ()
              or (rows,), which is not checked and whose sign is ignored. None: max|x|
    tensor_scale: the decode scale D to use instead of an amax
    encode_scale: the encode scale S to use instead of either, () or (rows,), on the host; D = 1/S
    scale_layout: "linear" or "swizzled" (N16)
    columnwise: quantize the transpose of the matrix x, without making it
    out:      the result of an earlier call with the same arguments; its arrays are overwritten
    check:    wait for the device, and refuse NaN and infinity in x where the recipe does
    Shapes:   x (..., C) contiguous -> codes (..., C/2), or (..., C) unless a code has 4 bits; block_scales
              and picked4 (..., C/16), C/8 or C/32 by the recipe's blocks; swizzled block_scales are flat;
              columnwise: x (R, C) -> those of (C, R)
    Dtypes:   float32, float16 or bfloat16 in CUDA memory: CuPy, torch or DLPack -> arrays of that framework
    Rounding: as `fos_ref.quantize`: docs/numerics.md N3 to N13.
    Specials: without `check` NaN and infinity follow the recipe's formulas; `to_host` then refuses a tensor
              amax that is not finite, where the recipe does.
    Streams:  the framework's current one. Nothing waits for the device, so a CUDA graph can capture the call
              after one call outside has loaded the kernels. Not with check, nor with an amax per row on the
              host.
    Raises:   RecipeError, ShapeError, DtypeError; InputError for an x that is not contiguous, not aligned to
              16 bytes or not on the current device, and for an `out` of another call; ToolchainError where no
              kernel can run.
    """
    r, x = get_recipe(recipe), take_input(x)
    check_place(r, x.place.device)
    shape = quantized_shape(x.shape, r, columnwise=columnwise)
    one_of(scale_layout, LAYOUTS, "scale layout")
    fixed, given = Fixed(amax, tensor_scale, encode_scale), amax
    if not is_on_device(amax):
        given = fixed.scales(r, math.prod(shape[:-1]), DTYPES[x.dtype])
    if out is not None:
        _check_out(out, x, r, shape, scale_layout, columnwise=columnwise)
    with launching(x.place, f"a {x.dtype} tensor of shape {x.shape}"):
        q = new(x, r, shape, scale_layout, columnwise=columnwise) if out is None else out
        fill_scales(q, x, given, check=check)
        fill(q, x)
    return q


def amax(x: Any, recipe: Recipe | str = "4over6", *, columnwise: bool = False, out: Any = None) -> Any:
    """Return the tensor amax of a device array, on the device (N2). It is exact.

    x, columnwise, streams and errors: as `quantize`.
    out:      a float32 array of the result's shape, which is overwritten
    Shapes:   -> (), or (rows,) for row-scaled recipes
    Dtypes:   -> float32
    """
    r, x = get_recipe(recipe), take_input(x)
    check_place(r, x.place.device)
    shape = quantized_shape(x.shape, r, columnwise=columnwise)
    wanted = (math.prod(shape[:-1]),) if r.amax_scope is AmaxScope.ROW else ()
    with launching(x.place, f"a {x.dtype} tensor of shape {x.shape}"):
        own = empty(wanted, "float32", x.place) if out is None else out
        words = _float32(own, "out", wanted, x.place)
        launch.amax(r, x.dtype, x.words(_matrix(x.shape)), words, columnwise=columnwise)
    return own


@cache
def _refusal(r: Recipe, device: int) -> str | None:  # noqa: ARG001 -- the answer is that of the current device
    """Return why the kernels cannot run here; asked once per recipe and device."""
    if sys.byteorder != "little":
        return "its words are written for little-endian machines"
    here = available()
    return unsupported(r) if here else here.reason


def check_place(r: Recipe, device: int) -> None:
    """Raise ToolchainError where no kernel can run a recipe on this device."""
    reason = _refusal(r, device)
    if reason is not None:
        _refusal.cache_clear()
        msg = f"engine 'cuda' cannot run recipe {r.name!r}: {reason}"
        raise ToolchainError(msg)


def _matrix(shape: tuple[int, ...]) -> tuple[int, int]:
    return math.prod(shape[:-1]), shape[-1]


def quantized_shape(shape: tuple[int, ...], r: Recipe, *, columnwise: bool) -> tuple[int, ...]:
    """Return the shape of what is quantized; ShapeError where blocks do not tile it."""
    if columnwise:
        if len(shape) != 2:  # noqa: PLR2004 -- a matrix
            msg = f"x of shape {shape}: columnwise takes a matrix (R, C)"
            raise ShapeError(msg)
        shape = shape[::-1]
    check_shape(shape, r.block_rows, r.block_cols)
    return shape


def new(x: Tensor, r: Recipe, shape: tuple[int, ...], layout: str, *, columnwise: bool) -> DeviceQuantized:
    """Return a result with arrays of its own."""
    blocks, rows = block_shape(shape, r), math.prod(shape[:-1])
    by_row = r.amax_scope is AmaxScope.ROW
    linear = empty(blocks, "uint8", x.place)
    flat = (math.prod(swizzled_shape(rows, blocks[-1])),)
    return DeviceQuantized(
        codes=empty((*shape[:-1], shape[-1] // r.codes_per_byte), "uint8", x.place),
        block_scales=linear if layout == "linear" else empty(flat, "uint8", x.place),
        picked4=empty(blocks, "bool", x.place),
        tensor_scales=empty((3, rows if by_row else 1), "float32", x.place),
        linear_scales=linear,
        recipe=r,
        shape=shape,
        dtype=x.dtype,
        scale_layout=layout,
        columnwise=columnwise,
        place=x.place,
        work=None if by_row else zeros((2,), "int32", x.place),
    )


def _check_out(
    q: Any, x: Tensor, r: Recipe, shape: tuple[int, ...], layout: str, *, columnwise: bool
) -> None:
    """Raise InputError unless `q` is the result of the same call on such an x."""
    if not isinstance(q, DeviceQuantized):
        msg = f"out is a {type(q).__name__}: the DeviceQuantized of an earlier call is allowed"
        raise DtypeError(msg)
    own = (q.recipe, q.shape, q.dtype, q.scale_layout, q.columnwise, q.place)
    for had, wanted in zip(own, (r, shape, x.dtype, layout, columnwise, x.place), strict=True):
        if had != wanted:
            given, needed = (v.name if isinstance(v, Recipe) else v for v in (had, wanted))
            msg = f"out was made for {given}: this call needs {needed}"
            raise InputError(msg)


def fill_scales(q: DeviceQuantized, x: Tensor, given: Any, *, check: bool) -> None:
    """Put A, S and D on the device: from the host, from the caller's array there, or from max|x|."""
    r, scales = q.recipe, q.words.scales
    n, words = scales.shape[1], x.words(_matrix(x.shape))
    if check:
        own = empty((n,), "float32", x.place)
        launch.amax(r, x.dtype, words, take(own).words((n,)), columnwise=q.columnwise)
        check_finite(to_numpy(own), r)
    if given is None and q.work is not None:
        launch.amax_and_scales(r, x.dtype, words, q.words.work, scales)
    elif given is None:
        launch.amax(r, x.dtype, words, scales[0], columnwise=q.columnwise)
        launch.tensor_scales(r, x.dtype, scales[0], scales)
    elif not isinstance(given, Scales):
        wanted = (n,) if r.amax_scope is AmaxScope.ROW else ()
        launch.tensor_scales(r, x.dtype, _float32(given, "amax", wanted, x.place), scales)
    elif n == 1:
        launch.set_tensor_scales(r, x.dtype, given, scales)
    else:
        three = [np.ravel(v) for v in (given.amax, given.encode, given.decode)]
        scales.set(np.stack(three).view(np.uint32))


def fill(q: DeviceQuantized, x: Tensor, *, quantized: bool = False) -> None:
    """Start the kernels that write codes, block scales and choices; where `quantized`, the layout's alone."""
    if x.size == 0:
        return
    own, words = q.words, x.words(_matrix(x.shape))
    out = (own.codes, own.linear, own.picked4)
    if quantized:
        pass
    elif q.columnwise:
        launch.quantize_columns(q.recipe, q.dtype, words, own.scales, out)
    else:
        launch_quantize(q.recipe, DTYPES[q.dtype], words, own.scales, out)
    if q.scale_layout != LAYOUTS[0]:
        launch.swizzle(own.linear, own.block_scales)


def _float32(own: Any, name: str, wanted: tuple[int, ...], place: Place) -> Any:
    """Return a caller's float32 array of the shape `wanted` as words (n,); one value may have any shape."""
    tensor = take(own, name, alignment=4)
    if tensor.dtype != "float32" or tensor.place != place:
        msg = f"{name} is {tensor.dtype} on {tensor.place}: float32 on {place} is allowed"
        raise DtypeError(msg)
    n = math.prod(wanted)
    if tensor.shape != wanted and not (n == 1 and tensor.size == 1):
        msg = f"{name} of shape {tensor.shape}: {wanted} is allowed"
        raise ShapeError(msg)
    return tensor.words((n,))
