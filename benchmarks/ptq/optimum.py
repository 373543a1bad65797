"""The search of `scale-optimum` on the device: every scale of each block, the first of the least errors.

The steps are those of docs/numerics.md for this recipe, each rounded once in float32 by a kernel of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from fos_ref.model.dequantize import scale_values
from fos_ref.model.quantize import tensor_scales
from fos_ref.recipes.recipe import Recipe

_PART = 1 << 17  #: blocks at a time


def scale_bytes(x: Any, r: Recipe, amax: Any) -> tuple[Any, Any]:
    """Return the byte of the best scale of each block (N, B), and S."""
    assert r.search is not None
    s = tensor_scales(np.asarray(amax, np.float32), r, np.dtype(np.float32))
    flat = x.reshape(-1, r.block_cols)
    found = torch.cat([_best(part, r, s) for part in flat.split(_PART)])
    encode = torch.as_tensor(np.float32(s.encode), device=x.device)
    return found.reshape(x.shape[0], -1), encode


def _best(x: Any, r: Recipe, s: Any) -> Any:
    """Return the bytes of the best scales of blocks (B, 16)."""
    from benchmarks.ptq.walk import nearest  # noqa: PLC0415 -- one way

    codes = np.asarray(r.search.codes, np.uint8)  # type: ignore[union-attr]
    floats = torch.zeros((), dtype=torch.bool, device=x.device)
    best = torch.full((len(x),), float("inf"), device=x.device)
    byte = torch.zeros(len(x), dtype=torch.uint8, device=x.device)
    for code, scale in zip(codes, scale_values(codes, r), strict=True):
        multiplier = np.float32(1) / (scale * s.decode)
        q = nearest(x * float(multiplier), floats)
        difference = ((q * float(scale)) * float(s.amax)) / float(s.range_max) - x
        squares = difference * difference
        error = squares[:, 0]
        for i in range(1, r.block_cols):
            error = error + squares[:, i]
        better = error < best
        best, byte = torch.where(better, error, best), torch.where(better, int(code), byte)
    return byte
