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

_VALUES = 1 << 27  #: values at a time, over all scales: 512 MiB an array


def scale_bytes(x: Any, r: Recipe, amax: Any) -> tuple[Any, Any]:
    """Return the byte of the best scale of each block (N, B), and S."""
    assert r.search is not None
    s = tensor_scales(np.asarray(amax, np.float32), r, np.dtype(np.float32))
    flat = x.reshape(-1, r.block_cols)
    at_once = max(1, _VALUES // (len(r.search.codes) * r.block_cols))
    found = torch.cat([_best(part, r, s) for part in flat.split(at_once)])
    encode = torch.as_tensor(np.float32(s.encode), device=x.device)
    return found.reshape(x.shape[0], -1), encode


def _best(x: Any, r: Recipe, s: Any) -> Any:
    """Return the bytes of the best scales of blocks (B, 16)."""
    from benchmarks.ptq.walk import nearest  # noqa: PLC0415 -- one way

    codes = np.asarray(r.search.codes, np.uint8)  # type: ignore[union-attr]
    scales = scale_values(codes, r)
    scale, multiplier = (
        torch.from_numpy(v).to(x.device)[:, None, None] for v in (scales, np.float32(1) / (scales * s.decode))
    )
    floats = torch.zeros((), dtype=torch.bool, device=x.device)
    q = nearest(x * multiplier, floats)
    difference = ((q * scale) * float(s.amax)) / float(s.range_max) - x
    squares = difference * difference
    error = squares[..., 0]
    for i in range(1, r.block_cols):
        error = error + squares[..., i]
    error = torch.where(error.isnan(), float("inf"), error)  # (scales, B)
    least = error.amin(0)
    order = torch.arange(len(codes), device=x.device)[:, None]
    first = torch.where(error == least, order, len(codes)).amin(0)
    return torch.where(least.isinf(), 0, torch.from_numpy(codes).to(x.device)[first])
