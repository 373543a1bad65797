"""A small model as people have them: its tensors, its folder, and what each matrix of it becomes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

import fos_ref

MX = "fouroversix-mxfp4-static6"
GATE, UP, DOWN = (f"m.mlp.{n}.weight" for n in ("gate_proj", "up_proj", "down_proj"))
GATE_UP, STACK = "m.experts.gate_up_proj", "m.experts.down_proj"
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
CONFIG = {"model_type": "mixtral", "hidden_size": 64}
HOLDING = [
    ("modelopt", "4over6"),
    ("compressed-tensors", "nvfp4"),
    ("compressed-tensors", MX),
    ("gpt-oss", MX),
]


def values(*shape: int, seed: int = 1, dtype: Any = np.float32) -> np.ndarray:
    rng = np.random.Generator(np.random.Philox(seed))
    return (rng.standard_normal(shape) * rng.uniform(0.5, 2, (*shape[:-2], 1, 1))).astype(dtype)


def tensors() -> dict[str, np.ndarray]:
    """Return what a small mixture of experts has: matrices, stacks, and the rest."""
    return {
        GATE: values(32, 64, seed=1),
        UP: values(32, 64, seed=2) * np.float32(3),
        DOWN: values(64, 32, seed=3, dtype=ml_dtypes.bfloat16),
        GATE_UP: values(3, 32, 64, seed=4, dtype=ml_dtypes.bfloat16),
        STACK: values(3, 64, 32, seed=5),
        "m.experts.gate_up_proj_bias": values(3, 32, seed=6),
        "m.mixer.conv1d.weight": values(32, 1, 4, seed=7),
        "m.mlp.gate.weight": values(16, 64, seed=8),
        "m.norm.weight": np.ones(64, np.float32),
    }


def folder(path: Path, held: dict[str, np.ndarray] | None = None, config: Any = CONFIG) -> Path:
    """Write a model: two shards with an index, its configuration, a tokenizer, and what is not copied."""
    path.mkdir()
    every = tensors() if held is None else held
    split = len(every) // 2
    parts = [dict(list(every.items())[:split]), dict(list(every.items())[split:])]
    for name, part in zip(SHARDS, parts, strict=True):
        save_file(part, path / name, metadata={"format": "pt"})
    weight_map = {n: name for name, part in zip(SHARDS, parts, strict=True) for n in part}
    index = {"metadata": {"total_size": 1}, "weight_map": weight_map}
    (path / "model.safetensors.index.json").write_text(json.dumps(index))
    if config is not None:
        (path / "config.json").write_text(json.dumps(config))
    (path / "tokenizer.json").write_text("{}")
    (path / "merges.txt").write_text("a b")
    (path / "pytorch_model.bin").write_bytes(b"old")
    return path


def single(path: Path, held: dict[str, np.ndarray]) -> Path:
    save_file(held, path / "in.safetensors")
    return path / "in.safetensors"


def matrices(held: dict[str, np.ndarray], *, turned: bool = False) -> dict[str, np.ndarray]:
    """Return what is quantized by itself, by its name."""
    found = {}
    for name, x in held.items():
        if name in (GATE, UP, DOWN):
            found[name] = x
        if name in (GATE_UP, STACK):
            found |= {f"{name}[{e}]": (m.T.copy() if turned else m) for e, m in enumerate(x)}
    return found


def same(got: Any, want: Any) -> None:
    for part in ("codes", "block_scales", "tensor_amax", "encode_scale", "decode_scale"):
        assert getattr(got, part).tobytes() == getattr(want, part).tobytes(), part
    assert (got.shape, got.recipe) == (want.shape, want.recipe)
    assert fos_ref.dequantize(got).tobytes() == fos_ref.dequantize(want).tobytes()
