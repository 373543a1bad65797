"""Weights, and the tensors that stand for them in each convention: plain, stacked, NVFP4 and MXFP4."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import ml_dtypes
import numpy as np

import fos_ref
from fos_ref.recipes.axes import TensorScale
from fos_ref.storage.layout import unpack_nibbles

Tensors = dict[str, np.ndarray]
E4M3, E8M0 = ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e8m0fnu
#: Recipes whose multiplier in a file is their own D and no quotient of amax and C.
_OWN_DECODE = (TensorScale.DECODE_RECIPROCALS, TensorScale.RECIPROCAL_IN_INPUT_DTYPE)
SHAPE = (32, 128)
MXFP4 = "fouroversix-mxfp4-static6"


def weight(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Return a bell-shaped bfloat16 weight (..., N, K) with uneven rows."""
    rows = np.exp(0.4 * rng.standard_normal((*shape[:-1], 1)))
    return (0.02 * rows * rng.standard_normal(shape)).astype(ml_dtypes.bfloat16)


def weights(*names: str, shape: tuple[int, ...] = SHAPE, seed: int = 1) -> Tensors:
    """Return a weight for each name; no two amaxes are the same, and the first is the largest."""
    rng = np.random.default_rng(seed)
    made = {n: weight(rng, *shape) for n in names}
    for i, x in enumerate(made.values()):
        for expert, one in enumerate(x.reshape(-1, *shape[-2:])):
            one[0, 0] = 0.5 - 0.03 * i - 0.013 * expert  # above all others
    return made


def alike(*names: str, shape: tuple[int, ...] = SHAPE, seed: int = 1) -> Tensors:
    """Return weights that all have one amax: what runtimes join may be quantized each by itself."""
    made = weights(*names, shape=shape, seed=seed)
    for x in made.values():
        x.reshape(-1, *shape[-2:])[:, 0, 0] = 0.5
    return made


def layers(count: int = 6, **more: Any) -> Tensors:
    """Return l.0.weight, l.1.weight, ..."""
    return weights(*(f"l.{i}.weight" for i in range(count)), **more)


# --- the parts that stand for a weight -------------------------------------------------------------------


def multiplier(q: Any) -> np.ndarray:
    """Return the tensor scale that multiplies, as modelopt stores it, ()."""
    own = q.recipe.tensor_scale in _OWN_DECODE
    return np.asarray(q.decode_scale if own else q.tensor_amax / np.float32(q.recipe.range_max))


def _stacked(x: np.ndarray, recipe: str, amax: np.ndarray | None, **how: Any) -> list[Any]:
    """Quantize a weight, or each expert of a stack; amax: () or (E,), of the weight's own where None."""
    experts = x.reshape(-1, *x.shape[-2:])
    given = [None] * len(experts) if amax is None else np.broadcast_to(amax, len(experts))
    return [
        fos_ref.quantize(e, recipe, amax=None if a is None else np.float32(a), **how)
        for e, a in zip(experts, given, strict=True)
    ]


def quantized(x: np.ndarray, recipe: str = "4over6", amax: Any = None, **how: Any) -> tuple[np.ndarray, ...]:
    """Return codes (..., N, K/2), block scale bytes (..., N, K/16), multiplier (...), divisor (...)."""
    made, lead = _stacked(x, recipe, amax, **how), x.shape[:-2]
    codes, scales = (np.stack([getattr(q, k) for q in made]) for k in ("codes", "block_scales"))
    times, over = np.stack([multiplier(q) for q in made]), np.stack([q.encode_scale for q in made])
    return (
        codes.reshape(*lead, *codes.shape[1:]),
        scales.reshape(*lead, *scales.shape[1:]),
        times.reshape(lead),
        over.reshape(lead),
    )


def modelopt(name: str, x: np.ndarray, recipe: str = "4over6", amax: Any = None) -> Tensors:
    """Return the three tensors of a 2-D or stacked weight; `name` is its parameter's."""
    codes, scales, times, _ = quantized(x, recipe, amax)
    end = "_scale" if name.endswith("weight") else "_weight_scale"
    return {name: codes, name + end: scales.view(E4M3), f"{name}{end}_2": times}


def compressed(name: str, x: np.ndarray, recipe: str = "4over6", amax: Any = None) -> Tensors:
    """Return compressed-tensors' tensors: the tensor scale divides, [1] or [E]."""
    codes, scales, _, over = quantized(x, recipe, amax)
    return {
        f"{name}_packed": codes,
        f"{name}_scale": scales.view(E4M3),
        f"{name}_global_scale": over.reshape(-1),
    }


def torchao(name: str, x: np.ndarray, recipe: str = "torchao-nvfp4", amax: Any = None) -> Tensors:
    """Return the parts of torchao's NVFP4Tensor under the module's name."""
    codes, scales, times, _ = quantized(x, recipe, amax)
    module, dot, last = name.rpartition(".")
    stem = f"{module}{dot}_{last}"
    return {
        f"{stem}_qdata": codes,
        f"{stem}_scale": scales.view(E4M3),
        f"{stem}_per_tensor_scale": times,
    }


def mlx(name: str, x: np.ndarray, recipe: str = "nvfp4", amax: Any = None) -> Tensors:  # noqa: ARG001
    """Return MLX's own tensors: eight codes in a U32, no tensor scale."""
    how = {} if "mxfp4" in recipe else {"tensor_scale": 1.0}
    codes, scales, *_ = quantized(x, recipe, **how)
    return {name: codes.view(np.uint32), f"{name.removesuffix('weight')}scales": scales}


def gpt_oss(name: str, x: np.ndarray, recipe: str = MXFP4, amax: Any = None) -> Tensors:
    """Return `_blocks` (..., N, K/32, 16) and `_scales` (..., N, K/32)."""
    codes, scales, *_ = quantized(x, recipe, amax)
    return {f"{name}_blocks": codes.reshape(*scales.shape, 16), f"{name}_scales": scales}


def compressed_mx(
    name: str, x: np.ndarray, recipe: str = MXFP4, amax: Any = None, dtype: Any = np.uint8
) -> Tensors:
    """Return the two tensors of mxfp4-pack-quantized; the E8M0 bytes are U8, or their own dtype."""
    codes, scales, *_ = quantized(x, recipe, amax)
    return {f"{name}_packed": codes, f"{name}_scale": scales.view(dtype)}


def in_halves(codes: np.ndarray) -> np.ndarray:
    """Return packed codes (..., K/2) as ggml pairs them: element j of a block of 16 with element j + 8."""
    blocks = unpack_nibbles(codes).reshape(*codes.shape[:-1], -1, 16)
    return (blocks[..., :8] | (blocks[..., 8:] << np.uint8(4))).reshape(codes.shape)


def ggml_nvfp4(codes: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Return blocks of 64: four scale bytes, then 32 bytes of codes in halves (..., N, K/64*36)."""
    lead, k = codes.shape[:-1], codes.shape[-1] * 2
    body = in_halves(codes).reshape(*lead, k // 64, 32)
    return np.concatenate([scales.reshape(*lead, k // 64, 4), body], axis=-1).reshape(*lead, -1)


def ggml_mxfp4(codes: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Return blocks of 32: the E8M0 byte, then 16 bytes of codes in halves (..., N, K/32*17)."""
    blocks = unpack_nibbles(codes).reshape(*scales.shape, 32)
    body = blocks[..., :16] | (blocks[..., 16:] << np.uint8(4))
    return np.concatenate([scales[..., None], body], axis=-1).reshape(*codes.shape[:-1], -1)


def ggml(name: str, x: np.ndarray, recipe: str = "nvfp4", amax: Any = None) -> Tensors:
    """Return a GGUF tensor's blocks and its `.scale`, as llama.cpp's converter writes them."""
    codes, scales, times, _ = quantized(x, recipe, amax)
    if "mxfp4" in recipe:
        return {name: ggml_mxfp4(codes, scales)}
    return {name: ggml_nvfp4(codes, scales), f"{name.removesuffix('weight')}scale": times.reshape(-1)}


def held(weights: Mapping[str, np.ndarray], style: Any = modelopt, recipe: str | None = None) -> Tensors:
    """Return the tensors of all weights in one style."""
    more = () if recipe is None else (recipe,)
    return {k: v for n, x in weights.items() for k, v in style(n, x, *more).items()}


def count_of_blocks(weights: Mapping[str, np.ndarray], block: int = 16) -> int:
    """Return how many blocks the weights have."""
    return sum(math.prod(x.shape) for x in weights.values()) // block
