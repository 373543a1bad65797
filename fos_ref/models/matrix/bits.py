"""Are the bits of a device those of the model? Codes and values of some layers, beside the NumPy engine."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from fos_ref.engines.front import dequantize, quantize
from fos_ref.formats.arrays import AnyArray
from fos_ref.models.arms import by_row
from fos_ref.models.fake import amax_of, fake_inputs, fake_weight, on_device
from fos_ref.models.linears import Linear
from fos_ref.models.needs import need
from fos_ref.recipes.axes import TensorScale
from fos_ref.recipes.catalog import recipe

PHASE = 1.26
ENGINE = "numpy"  #: the specification


def inputs_of(model: Any, layers: Sequence[Linear], tokens: Any) -> dict[str, Any]:
    """Return the inputs (B, T, C) that some layers see, without quantization."""
    torch: Any = need("torch")
    seen: dict[str, Any] = {}

    def keep(name: str) -> Any:
        return lambda _, args: seen.update({name: args[0].detach().clone()})

    hooks = [layer.module.register_forward_pre_hook(keep(layer.name)) for layer in layers]
    with torch.inference_mode():
        model(tokens)
    for hook in hooks:
        hook.remove()
    return seen


def compared(name: str, layers: Sequence[Linear], inputs: dict[str, Any]) -> dict[str, int]:
    """Return how many blocks of a recipe were compared on a device, and how many differ in value or byte.

    Weights in two draws; inputs with one amax a window and with one a token.
    """
    r, blocks, differing, kernels = recipe(name), 0, 0, False
    for layer in layers:
        w, x = layer.weight, inputs[layer.name]
        host = w.cpu()
        pairs = [(fake_weight(w, r, p).values, fake_host(host, r, p)) for p in (1.0, PHASE)]
        parts = [dequantize(quantize(part.cpu(), r, engine=ENGINE)) for part in x]
        pairs.append((fake_inputs(x, r, "tensor").values, np.stack(parts)))
        flat = x.cpu().reshape(-1, x.shape[-1])
        wanted = dequantize(quantize(flat, by_row(r), engine=ENGINE))
        pairs.append((fake_inputs(x, r, "row").values, wanted.reshape(x.shape)))
        for got, want in pairs:
            n, off = _blocks(got.cpu().numpy(), want, r.block_cols)
            blocks, differing = blocks + n, differing + off
        kernels = w.is_cuda and on_device(r)
        if kernels:
            n, off = _bytes(w, host, r)
            blocks, differing = blocks + n, differing + off
    return {"blocks": blocks, "differing": differing, "kernels": int(kernels)}


def fake_host(w: Any, r: Any, phase: float) -> AnyArray:
    """Return the values of a weight by the NumPy engine alone."""
    if phase == 1.0:
        return dequantize(quantize(w, r, engine=ENGINE))
    if r.tensor_scale is TensorScale.NONE:
        scaled: AnyArray = dequantize(quantize(w.numpy() * np.float32(phase), r, engine=ENGINE))
        return scaled / np.float32(phase)
    return dequantize(quantize(w, r, amax=amax_of(w, r) * np.float32(phase), engine=ENGINE))


def _bytes(w: Any, host: Any, r: Any) -> tuple[int, int]:
    """Return blocks and differing ones of a weight's codes and block scales."""
    gpu: Any = import_module("fos_gpu")
    got, want = gpu.quantize(w, r).to_host(), quantize(host, r, engine=ENGINE)
    codes = (got.codes != want.codes).reshape(*want.block_scales.shape, -1).any(axis=-1)
    off = codes | (got.block_scales != want.block_scales) | (got.picked4 != want.picked4)
    return off.size, int(np.count_nonzero(off))


def _blocks(got: AnyArray, want: AnyArray, size: int) -> tuple[int, int]:
    """Return how many blocks there are, and how many differ in a bit."""
    off = (got.view(np.uint32) != want.view(np.uint32)).reshape(-1, size).any(axis=-1)
    return off.size, int(np.count_nonzero(off))
