"""Bytes from outside as a `QuantizedTensor`: what a kernel, a file or another library holds."""

from __future__ import annotations

import math
from typing import Any, get_args, Literal

import numpy as np

from fos_ref.arguments import is_a, one_of, whole
from fos_ref.engines.given import Fixed
from fos_ref.errors import InputError, Remedy, ShapeError
from fos_ref.foreign import foreign, shown
from fos_ref.formats.arrays import Bool, U8
from fos_ref.model.quantize import INT4_FLAG, tensor_scales
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import Candidates, TensorScale
from fos_ref.recipes.catalog import recipe as get_recipe
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.bytes_door import as_bytes
from fos_ref.storage.codes_door import as_codes
from fos_ref.storage.layout import swizzled_shape, unswizzle
from fos_ref.storage.tensor import QuantizedTensor

ScaleLayout = Literal["linear", "swizzled"]


def from_bytes(
    codes: Any,
    block_scales: Any,
    recipe: Recipe | str,
    *,
    amax: Any = None,
    tensor_scale: float | None = None,
    encode_scale: Any = None,
    shape: tuple[int, ...] | None = None,
    scale_layout: ScaleLayout = "linear",
) -> QuantizedTensor:
    """Return codes and block scales that were made elsewhere as a `QuantizedTensor`, for `dequantize`.

    recipe:   what the bytes mean: a preset, a `Recipe`, or the path of a recipe's JSON
    amax, tensor_scale, encode_scale: A, D or S as for `quantize`, exactly one; none for a recipe without a
              tensor scale. A scale of 1 says that there is none
    shape:    of the values, (..., C). None: that of the codes, two a byte where they have 4 bits;
              float4_e2m1fn has one a byte
    scale_layout: "linear" or "swizzled" (N16)
    Shapes:   codes (..., C/2), flat, or one code a byte (..., C) where `shape` is given; block_scales
              (..., C/16), for MX (..., C/32), for blocks of 8 (..., C/8), or flat; codes that do not have 4
              bits are (..., C); swizzled scales have any shape of that many bytes. Recipes of
              16x16 tiles have a tile's byte on each of its 16 rows. C is whole blocks
    Dtypes:   as `check` takes bytes: uint8, float8_e4m3fn, float8_e8m0fnu, float4_e2m1fn(_x2)
    Rounding: of the tensor scales only, N3; amax is taken as that of a float32 tensor
    Specials: any byte is kept as it is; padding of the swizzled layout is dropped. picked4 is None; for IF4
              it is the flag bit of each block scale
    Raises:   RecipeError, ShapeError, DtypeError; InputError for no scale or two, and for a tile whose rows
              have unlike scale bytes.
    """
    r, fixed = get_recipe(recipe), Fixed(amax, tensor_scale, encode_scale)
    packed, size = _codes(codes, shape, r)
    rows = math.prod(size[:-1])
    scales = _block_scales(block_scales, (*size[:-1], size[-1] // r.block_cols), scale_layout)
    _check_tiles(scales.reshape(rows, scales.shape[-1]), r)
    t = _tensor_scales(fixed, r, rows)
    flat = t.amax.shape[:1]
    return QuantizedTensor(
        codes=packed,
        block_scales=scales,
        tensor_amax=t.amax.reshape(flat),
        encode_scale=t.encode.reshape(flat),
        decode_scale=t.decode.reshape(flat),
        picked4=_flags(scales, r),
        recipe=r,
        shape=size,
    )


def _codes(codes: Any, shape: tuple[int, ...] | None, r: Recipe) -> tuple[U8, tuple[int, ...]]:
    """Return the packed codes and the shape of the values."""
    given = as_codes(codes, "codes", None if shape is None else _sizes(shape), r)
    n = r.codes_per_byte
    if shape is None and not given.ndim:
        msg = f"codes of shape {given.shape}: at least one axis is needed, and the last one is blocked"
        raise ShapeError(msg)
    size = (*given.shape[:-1], n * given.shape[-1]) if shape is None else _sizes(shape)
    wanted = (*size[:-1], size[-1] // n)
    if given.shape not in (wanted, (given.size,)) or given.size != math.prod(wanted):
        msg = f"codes of shape {given.shape}: values of {size} take {wanted}, or one code a byte"
        raise ShapeError(msg)
    if size[-1] % r.block_cols or math.prod(size[:-1]) % r.block_rows:
        msg = f"values of {size}: size blocks of {r.block_rows}x{r.block_cols} are allowed"
        raise ShapeError(msg)
    return given.reshape(wanted), size


def _sizes(shape: Any) -> tuple[int, ...]:
    """Return a shape that a caller gives, as Python integers."""
    allowed = "one or more whole numbers of 0 and above are allowed"
    with foreign(f"shape {shown(shape)}", allowed, ShapeError):
        given = () if is_a(shape, (set, frozenset, dict)) else tuple(shape)  # they have no order
    try:
        found = tuple(whole(n, "shape") for n in given)
    except InputError:
        found = ()
    if not found:
        msg = f"shape {shown(shape)}: {allowed}"
        raise ShapeError(msg)
    return found


def _block_scales(scales: Any, wanted: tuple[int, ...], layout: str) -> U8:
    """Return the block scales, linear and in the shape `wanted`."""
    one_of(layout, get_args(ScaleLayout), "scale layout")
    given = as_bytes(scales, "block scales")
    rows, cols = math.prod(wanted[:-1]), wanted[-1]
    if layout == "swizzled":
        size = math.prod(swizzled_shape(rows, cols))
        if given.size != size:
            msg = f"block scales of shape {given.shape}: {rows}x{cols} swizzled ones are {size} bytes"
            raise ShapeError(msg)
        return unswizzle(given, rows, cols).reshape(wanted)
    if given.shape not in (wanted, (given.size,)) or given.size != math.prod(wanted):
        msg = f"block scales of shape {given.shape}: {wanted} is allowed, or flat"
        raise ShapeError(msg)
    return given.reshape(wanted)


def _check_tiles(scales: U8, r: Recipe) -> None:
    tiles = scales.reshape(len(scales) // r.block_rows, r.block_rows, scales.shape[-1])
    if np.any(tiles != tiles[:, :1]):
        msg = f"recipe {r.name!r}: unlike scale bytes in a tile, whose {r.block_rows} rows share one"
        raise InputError(msg)


def _tensor_scales(fixed: Fixed, r: Recipe, rows: int) -> Scales:
    found = fixed.scales(r, rows, np.dtype(np.float32))
    if found is not None:
        return found
    if r.tensor_scale is TensorScale.NONE:
        return tensor_scales(np.asarray(np.float32(1)), r)
    msg = f"no tensor scale was given, and recipe {r.name!r} has one"
    raise InputError(msg, remedy=Remedy("tensor_scale=1.0", "says that the bytes have none"))


def _flags(scales: U8, r: Recipe) -> Bool | None:
    if r.candidates is not Candidates.FLOAT_OR_INT:
        return None
    return np.asarray((scales & INT4_FLAG) != 0)
