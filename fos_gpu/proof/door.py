"""The calls on device arrays beside the package's own on the host: one tensor, one recipe, byte by byte."""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple

import numpy as np

from fos_gpu.dequantize import dequantize
from fos_gpu.front import quantize
from fos_gpu.prepared import prepare
from fos_gpu.tensors import to_numpy
from fos_ref.engines.front import dequantize as model_values
from fos_ref.engines.front import quantize as model_tensor
from fos_ref.formats.arrays import AnyArray
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.tensor import QuantizedTensor

ROWS, COLS = 64, 1024  #: of the part of a tensor that goes through the door
PARTS = ("codes", "block_scales", "picked4", "tensor_amax", "encode_scale", "decode_scale")


class Compared(NamedTuple):
    """How many blocks went through, and how many bytes or values differ, by call."""

    blocks: int
    differing: dict[str, int]


def put(x: AnyArray) -> Any:
    """Return a CuPy array of x's values, bfloat16 included."""
    words = np.ascontiguousarray(x).view(f"u{x.dtype.itemsize}")
    return importlib.import_module("cupy").asarray(words).view(x.dtype)


def through_the_door(x: AnyArray, r: Recipe, amax: Any = None) -> Compared:
    """Quantize x and its transpose, dequantize, and quantize by a prepared call, beside the model.

    x (R, C) of the host; blocks and tiles fit both ways. amax: numbers for the rows of x, or None; the
    transpose then has its own.
    """
    there, found = put(x), dict.fromkeys(("rows", "columns", "values", "prepared"), 0)
    want = model_tensor(x, r, amax=amax, engine="numpy")
    q = quantize(there, r, amax=amax)
    found["rows"] = unequal_parts(q.to_host(), want)
    found["values"] = unequal(to_numpy(dequantize(q)), model_values(want))
    call = prepare(r, x.shape, x.dtype, like=there, amax=amax)
    for _ in range(2):  # what the first one leaves must not move the second
        found["prepared"] += unequal_parts(call(there).to_host(), want)
    blocks = 3 * x.size // r.block_cols
    if np.isfinite(x.astype(np.float32)).all():  # else the transpose's own amax is none
        flipped = model_tensor(np.ascontiguousarray(x.T), r, engine="numpy")
        found["columns"] = unequal_parts(quantize(there, r, columnwise=True).to_host(), flipped)
        blocks += x.size // r.block_cols
    return Compared(blocks, {name: n for name, n in found.items() if n})


def unequal_parts(got: QuantizedTensor, want: QuantizedTensor) -> int:
    """Return how many bytes and tensor scales of two tensors differ."""
    pairs = ((np.asarray(getattr(got, p)), np.asarray(getattr(want, p))) for p in PARTS)
    return sum(unequal(a, b) if a.shape == b.shape else max(a.size, b.size) for a, b in pairs)


def unequal(a: AnyArray, b: AnyArray) -> int:
    """Return how many values differ in their bits; any NaN equals any other."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return max(a.size, b.size)
    if a.dtype != np.float32:
        return int(np.count_nonzero(a != b))
    words = (np.ascontiguousarray(v).reshape(-1).view(np.uint32) for v in (a, b))
    first, second = words
    return int(np.count_nonzero((first != second) & ~(np.isnan(a).ravel() & np.isnan(b).ravel())))
