"""Weights by a recipe, bit for bit: the block scales of `fos_ref.quantize`, and the values they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch

import fos_ref
from benchmarks.ptq import optimum
from benchmarks.ptq.walk import nearest
from fos_ref.model.dequantize import holds_second, scale_values
from fos_ref.models.arms import by_row
from fos_ref.models.fake import amax_of, engine_of, fake_weight, on_device
from fos_ref.recipes.axes import AmaxScope, Candidates, TensorScale
from fos_ref.recipes.recipe import Recipe


@dataclass(frozen=True)
class Blocks:
    """The block scales of a weight (N, K) in one draw.

    step:    float32 (N, K / block), the effective scale s/S, divided by the factor
    second:  bool (N, K / block): blocks that hold integers
    codes:   uint8 bytes of block scales
    factor:  what the weight was multiplied by: a recipe without tensor scale has no amax to move
    """

    step: Any
    second: Any
    codes: Any
    factor: float
    amax: Any  #: float32 (), None without a tensor scale


@cache
def _by_row(r: Recipe) -> Recipe:
    return by_row(r)


@cache
def _tables(r: Recipe, device: str) -> tuple[Any, Any]:
    every = np.arange(256, dtype=np.uint8)
    values = torch.from_numpy(scale_values(every, r)).to(device)
    return values, torch.from_numpy(holds_second(every, r)).to(device)


def blocks(w: Any, r: Recipe, phase: float, amax: Any = None) -> Blocks:
    """Return the block scales of a weight under the tensor amax times a phase.

    amax: float32 (), instead of that of w; the phase is in it already
    """
    none = r.tensor_scale is TensorScale.NONE
    factor = phase if none else 1.0
    given = None if none else (amax_of(w, r) * np.float32(phase) if amax is None else amax)
    codes, encode = scale_bytes(w * factor if factor != 1.0 else w, r, given)
    values, second = _tables(r, str(w.device))
    return Blocks(values[codes.long()] / encode / factor, second[codes.long()], codes, factor, given)


def scale_bytes(x: Any, r: Recipe, amax: Any) -> tuple[Any, Any]:
    """Return the bytes of the block scales (N, B), and S."""
    if r.candidates is Candidates.SCALES and x.is_cuda:
        return optimum.scale_bytes(x, r, amax)
    if x.is_cuda and on_device(r):
        import fos_gpu  # noqa: PLC0415 -- where there is a device

        q = fos_gpu.quantize(x.contiguous(), r, amax=amax)
        return q.linear_scales, q.tensor_scales[1] if r.amax_scope is AmaxScope.ROW else q.tensor_scales[1, 0]
    engine = "cuda" if x.is_cuda and r.search is None else engine_of(r)
    given = amax.cpu().numpy() if isinstance(amax, torch.Tensor) else amax
    host = fos_ref.quantize(x.cpu(), r, amax=given, engine=engine)
    encode = torch.as_tensor(host.encode_scale, device=x.device)
    return torch.from_numpy(host.block_scales).to(x.device), encode


def of_rows(x: Any, r: Recipe, amax: Any, factor: Any) -> tuple[Any, Any]:
    """Return step and second (M,) of one block a row (M, block): each row under the amax of its own draw.

    amax, factor: float32 (M,), on the device; the one that the recipe has counts
    """
    none = r.tensor_scale is TensorScale.NONE
    codes, encode = scale_bytes(x * factor[:, None] if none else x, _by_row(r), None if none else amax)
    values, second = _tables(r, str(x.device))
    first = codes[:, 0].long()
    step = values[first] / encode
    return (step / factor if none else step), second[first]


def rounded(w: Any, r: Recipe, phase: float) -> Any:
    """Return the values of a weight (N, K) rounded as it is: those of `fos_ref.dequantize`.

    Where the kernels do not take arrays of the device, for a search and under powers of two, the
    elements are the nearest under the recipe's scales: under powers of two that is within an ulp.
    """
    if not w.is_cuda or on_device(r):
        return fake_weight(w, r, phase).values
    return by_scales(w, r, phase)


def by_scales(w: Any, r: Recipe, phase: float) -> Any:
    """Return the nearest values of a weight (N, K) under the recipe's block scales."""
    found = blocks(w, r, phase)
    step = found.step.repeat_interleave(r.block_cols, -1)
    y = torch.where(step == 0, 0.0, w / step)
    return nearest(y, torch.zeros((), dtype=torch.bool, device=w.device)) * step


def check(w: Any, r: Recipe, phase: float) -> tuple[int, int]:
    """Return how many block scales of a weight were compared with `fos_ref.quantize`, and how many differ."""
    here = blocks(w, r, phase)
    scaled = (w * here.factor if here.factor != 1.0 else w).cpu()
    again = fos_ref.quantize(scaled, r, amax=here.amax, engine="numpy")
    return again.block_scales.size, int(np.count_nonzero(again.block_scales != here.codes.cpu().numpy()))
