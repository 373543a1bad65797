"""Fake quantization of a torch tensor: the values of `fos_ref.dequantize(fos_ref.quantize(x))`, bit for bit.

On a CPU the compiled engine computes the codes. On a CUDA device the kernels of fos_gpu do, where they have
the recipe; other recipes come to the host and go back. The bits are the same by every way.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from fos_ref.engines.from_bytes import from_bytes
from fos_ref.engines.front import dequantize, quantize
from fos_ref.engines.inputs import as_numpy
from fos_ref.engines.registry import load_engine
from fos_ref.errors import ToolchainError
from fos_ref.formats.arrays import AnyArray, F32
from fos_ref.formats.bits import widen
from fos_ref.model.quantize import tensor_amax
from fos_ref.models.arms import by_row
from fos_ref.models.needs import need
from fos_ref.recipes.axes import AmaxScope, TensorScale
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.tensor import QuantizedTensor

DEVICE = "fos_gpu"  #: the package of the kernels; imported when there is such a tensor
_BITS = 2  #: bytes of a type that NumPy has by ml_dtypes only


@dataclass(frozen=True)
class Fake:
    """What fake quantization gives.

    values:  a torch tensor as the input
    picked4: a tensor of truths, one a block; None where the recipe has no choice
    """

    values: Any
    picked4: Any


@cache
def engine_of(r: Recipe) -> str:
    """Return the fastest engine of the host that has a recipe; all give the same bits."""
    try:
        refused = load_engine("numba").refuses(r)
    except ToolchainError as e:
        refused = str(e)
    if refused:
        return "numpy"
    _warm()
    return "numba"


@cache
def _warm() -> None:
    """Start the compiled engine, and give torch its number of threads back.

    Numba tells OpenMP how many threads it takes, and torch reads that: it would wait for more cores than it
    was given, and be several times as slow.
    """
    torch: Any = need("torch")
    threads = torch.get_num_threads()
    quantize(np.ones((1, 16), dtype=np.float32), "nvfp4", engine="numba")
    torch.set_num_threads(threads)


@cache
def on_device(r: Recipe) -> bool:
    """Return whether the kernels take tensors of the device by a recipe here."""
    try:
        front = import_module(f"{DEVICE}.front")
        front.check_place(r, need("torch").cuda.current_device())
    except (ImportError, ToolchainError):
        return False
    return True


def fake(x: Any, r: Recipe, amax: Any = None) -> Fake:
    """Return the values of a torch tensor x (..., C) after quantization by `r`, in its dtype, on its device.

    amax:   the tensor amax to use, () or (rows,) for a row-scaled recipe: NumPy, or torch on x's device;
            None: that of x
    Rounding: as `fos_ref.quantize` and `fos_ref.dequantize`.
    Raises: as they do; on a device NaN and infinity follow the recipe's formulas.
    """
    if x.is_cuda and on_device(r):
        gpu: Any = import_module(DEVICE)
        q = gpu.quantize(x.contiguous(), r, amax=amax)
        return Fake(gpu.dequantize(q, x.dtype), q.picked4)
    torch: Any = need("torch")
    given = amax.cpu().numpy() if isinstance(amax, torch.Tensor) else amax
    engine = "cuda" if x.is_cuda and computed_on_device(r) else engine_of(r)
    q = quantize(x.contiguous(), r, amax=given, engine=engine)
    if x.is_cuda and r.tensor_scale is TensorScale.NONE and r.element.packed:
        return Fake(decoded(q, x.device).to(x.dtype), torch.from_numpy(q.picked4))
    host = dequantize(q, as_numpy(x[:0]).dtype)
    return Fake(_torch(host).to(x.device), torch.from_numpy(q.picked4))


@cache
def computed_on_device(r: Recipe) -> bool:
    """Return whether the engine "cuda" has a recipe here, if only for arrays of the host."""
    try:
        return load_engine("cuda").refuses(r) is None
    except ToolchainError:
        return False


@cache
def table(r: Recipe) -> F32:
    """Return float32 (256, 16): each code under each scale byte, of a recipe without tensor scale.

    It is `fos_ref.dequantize` on all of them, so reading it is dequantization.
    """
    low, wide = np.arange(16, dtype=np.uint8), r.block_cols // 16
    codes = np.tile(np.tile(low[0::2] | low[1::2] << 4, wide), (256, 1))
    scales = np.arange(256, dtype=np.uint8)[:, None]
    return dequantize(from_bytes(codes, scales, r))[:, :16].copy()


def decoded(q: QuantizedTensor, device: Any) -> Any:
    """Return the float32 values of codes (R, C/2) of a recipe without tensor scale, on a device of torch."""
    torch: Any = need("torch")
    codes, scales = (torch.from_numpy(a).to(device).int() for a in (q.codes, q.block_scales))
    both = torch.stack((codes & 15, codes >> 4), dim=-1).flatten(-2)
    places = both + 16 * scales.repeat_interleave(q.recipe.block_cols, dim=-1)
    return torch.from_numpy(table(q.recipe)).to(device).flatten()[places]


def _torch(a: AnyArray) -> Any:
    """Return a NumPy array as a torch tensor; bfloat16 by its bits."""
    torch: Any = need("torch")
    if a.dtype.itemsize == _BITS and a.dtype != np.float16:
        return torch.from_numpy(a.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(a)


def fake_weight(w: Any, r: Recipe, phase: float = 1.0) -> Fake:
    """Return the values of a weight (out, in) under one tensor amax, in the draw `phase`.

    The amax is float32(max|w|) * float32(phase), rounded once. A recipe without a tensor scale has none:
    there w * phase is quantized, and its values are divided by phase, each rounded once in w's dtype.
    """
    if phase == 1.0:
        return fake(w, r)
    if r.tensor_scale is TensorScale.NONE:
        factor = w.new_tensor(phase)  # on w's device: there torch multiplies by 1/phase to divide by a number
        found = fake(w * factor, r)
        return Fake(found.values / factor, found.picked4)
    return fake(w, r, np.asarray(amax_of(w, r) * np.float32(phase)))


def amax_of(x: Any, r: Recipe) -> F32:
    """Return the tensor amax of a torch tensor by a recipe (N2), on the host."""
    if r.search is None and r.amax_scope is AmaxScope.TENSOR:
        return np.asarray(x.abs().max().float().item(), dtype=np.float32)
    found: F32 = tensor_amax(widen(as_numpy(x)).reshape(-1, x.shape[-1]), r, as_numpy(x[:0]).dtype)
    return found


def fake_inputs(x: Any, r: Recipe, scope: str, amax: F32 | None = None) -> Fake:
    """Return the values of the inputs x (B, T, C) of a linear layer.

    scope: "tensor": one amax for the T tokens of each of the B windows; "row": one for each token
    amax:  () the static amax of the layer, which every window takes; None: dynamic
    B windows at once have the bits of B calls: the recipe by row is given each window's amax in its rows.
    """
    flat = x.reshape(-1, x.shape[-1])
    if r.tensor_scale is TensorScale.NONE or r.amax_scope is AmaxScope.ROW:
        made = fake(flat, r)
    elif amax is not None:
        made = fake(flat, r, amax)
    elif scope == "row":
        made = fake(flat, by_row(r))
    elif len(x) == 1:
        made = fake(flat, r)
    elif r.search is None and r.block_rows == 1 and x.is_cuda:
        made = fake(flat, by_row(r), _amax_of_windows(x))
    else:
        parts = [fake(part, r) for part in x]
        torch: Any = need("torch")
        made = Fake(*(torch.cat([getattr(p, k) for p in parts]) for k in ("values", "picked4")))
    return Fake(made.values.reshape(x.shape), made.picked4)


def _amax_of_windows(x: Any) -> Any:
    """Return float32 (B * T,): each row has the amax of its window."""
    each = x.abs().amax(dim=(1, 2)).float()
    return each.repeat_interleave(x.shape[1]).contiguous()
