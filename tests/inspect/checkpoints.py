"""Checkpoints to inspect: an original, and its quantized weights stored in ways that nobody writes down."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

import fos_ref


def trained(rows: int, cols: int, seed: int = 3) -> np.ndarray:
    """Return a weight whose rows and columns differ in size, as those of trained weights do."""
    rng = np.random.default_rng(seed)
    sizes = np.exp(0.4 * rng.standard_normal((rows, 1))) * np.exp(0.2 * rng.standard_normal(cols))
    return (0.02 * sizes * rng.standard_normal((rows, cols))).astype(np.float32)


def coarse(rows: int, cols: int, seed: int = 5) -> np.ndarray:
    """Return a weight of quarters of a power of two, another power for each tile: half its tiles map to 4."""
    rng = np.random.default_rng(seed)
    powers = np.exp2(rng.integers(-8, -4, (rows // 16, cols // 16))).repeat(16, 0).repeat(16, 1)
    steps = np.where(rng.random((rows // 16, cols // 16)) < 0.5, 4, 8).repeat(16, 0).repeat(16, 1)
    return (powers * np.round(rng.uniform(-1, 1, (rows, cols)) * steps) / steps).astype(np.float32)


def original(folder: Path, **more: np.ndarray) -> Path:
    """Write a checkpoint with three weights and a norm."""
    path = folder / "original.safetensors"
    tensors = {
        "a.weight": trained(128, 256),
        "b.weight": trained(64, 128, seed=4).astype(ml_dtypes.bfloat16),
        "c.weight": coarse(64, 128),
        "norm.weight": np.ones(16, np.float32),
    }
    save_file(tensors | more, path)
    return path


def save(tensors: Mapping[str, Any], path: Path) -> Path:
    """Write tensors, scalars among them."""
    save_file({n: np.asarray(x) for n, x in tensors.items()}, path)
    return path


def stored(
    weights: Mapping[str, np.ndarray], recipe: str, *, nibbles: str = "low", layout: str = "linear"
) -> dict[str, np.ndarray]:
    """Return modelopt's three tensors of each weight, laid out as asked."""
    found: dict[str, np.ndarray] = {}
    for name, x in weights.items():
        q = fos_ref.quantize(x, recipe)
        codes = q.codes if nibbles == "low" else (q.codes << 4) | (q.codes >> 4)
        scales = {"linear": q.block_scales, "transposed": q.block_scales.T}.get(layout)
        if scales is None:
            scales = fos_ref.swizzle(q.block_scales)
        shape = q.block_scales.shape if scales.size == q.block_scales.size else scales.shape
        found[f"{name}.weight"] = codes
        found[f"{name}.weight_scale"] = (
            np.ascontiguousarray(scales).reshape(shape).view(ml_dtypes.float8_e4m3fn)
        )
        found[f"{name}.weight_scale_2"] = q.tensor_amax / np.float32(q.recipe.range_max)
    return found
