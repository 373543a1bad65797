"""Quantized rows from bytes, for the tests: as tensors and as the lines of the oracle."""

from __future__ import annotations

import numpy as np

import fos_ref
from fos_ref.oracle.products import Line
from fos_ref.recipes.axes import TensorScale
from fos_ref.storage.layout import pack_nibbles

#: One recipe of each kind of elements, scales and blocks.
KINDS = (
    "nvfp4",
    "ocp-mxfp4",
    "fouroversix-nvint4",
    "fouroversix-if4-mse",
    "fouroversix-if3-mse",
    "fouroversix-if6-e2m3-mse",
    "fouroversix-nvfp4-bs8",
    "ocp-mxfp8-e4m3",
    "ocp-mxfp8-e5m2",
    "ocp-mxint8",
)


def tensor(codes, scales, recipe="nvfp4"):
    """Return codes (R, K) and scale bytes as a QuantizedTensor without a tensor scale."""
    r = fos_ref.recipe(recipe)
    none = r.tensor_scale is TensorScale.NONE
    packed = np.asarray(codes, np.uint8)
    packed = pack_nibbles(packed) if r.element.packed else packed
    more = {} if none else {"tensor_scale": 1.0}
    return fos_ref.from_bytes(packed, np.asarray(scales, np.uint8), r, **more)


def lines(q):
    """Return the rows of a tensor as the oracle has them."""
    r = q.recipe
    codes = q.codes
    if r.element.packed:
        codes = np.stack([q.codes & 15, q.codes >> 4], axis=-1).reshape(len(q.codes), -1)
    form = "E8M0" if r.scale_format.is_power else "E4M3"
    return [
        Line(c, s, r.element_format.value, form)
        for c, s in zip(codes.tolist(), q.block_scales.tolist(), strict=True)
    ]


def drawn(rng, rows, k, recipe="nvfp4", spread=None):
    """Return random codes under random scale bytes; `spread`: how far apart the bytes lie, at most."""
    r = fos_ref.recipe(recipe)
    top = 0xFE if r.scale_format.is_power else 0x7E
    low = 0 if spread is None else int(rng.integers(0, top - spread + 1))
    high = top if spread is None else low + spread
    scales = rng.integers(low, high + 1, (rows, k // r.block_cols))
    if "|" in r.element_format.value:
        scales |= rng.integers(0, 2, scales.shape) << 7
    codes = rng.integers(0, 1 << r.element.width, (rows, k))
    if r.element.width == 8:
        codes[codes & 0x7C == 0x7C] = 0  # no NaN and no infinity
    return tensor(codes, scales, recipe)
