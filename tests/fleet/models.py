"""A checkpoint of many small shards, the folder that `fos quantize` makes of it, and plans."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

from fos_ref.engines.conversion.asked import Asked
from fos_ref.fleet.places.find import origin, place
from fos_ref.fleet.plan import Fleet
from fos_ref.fleet.planning import make_plan
from fos_ref.recipes.catalog import recipe
from fos_ref.storage.conventions import convention

NUMPY = "numpy"


def shard_name(number: int, count: int) -> str:
    return f"model-{number:05d}-of-{count:05d}.safetensors"


def checkpoint(path: Path, count: int, shape: tuple[int, int] = (64, 64)) -> Path:
    """Write `count` shards: of each layer q lies in one, k in the next, so that fused groups are apart."""
    path.mkdir()
    rng = np.random.Generator(np.random.Philox(20))
    weight_map: dict[str, str] = {}
    for n in range(1, count + 1):
        layer, member = divmod(n - 1, 2)
        held = {
            f"m.{layer}.self_attn.{'qk'[member]}_proj.weight": _values(rng, shape, n),
            f"m.{n}.mlp.down_proj.weight": _values(rng, shape, n + 1),
            f"m.{n}.norm.weight": np.ones(shape[1], np.float32),
        }
        save_file(held, path / shard_name(n, count), metadata={"format": "pt"})
        weight_map |= dict.fromkeys(held, shard_name(n, count))
    index = {"metadata": {"total_size": 1}, "weight_map": weight_map}
    (path / "model.safetensors.index.json").write_text(json.dumps(index))
    (path / "config.json").write_text('{"model_type": "llama"}')
    (path / "tokenizer.json").write_text("{}")
    return path


def _values(rng: np.random.Generator, shape: tuple[int, int], n: int) -> np.ndarray:
    return (rng.standard_normal(shape, dtype=np.float32) * np.float32(n)).astype(ml_dtypes.bfloat16)


def asked(share: str = "none", name: str = "4over6", **how: Any) -> Asked:
    r = recipe(name)
    given = {"selection": None, "padding": False, "experts": None, "share": share, **how}
    return Asked.checked(r, convention("modelopt", r), **given)


def planned(source: object, target: object, share: str = "none", **how: Any) -> Fleet:
    return make_plan(origin(str(source)), place(str(target)), asked(share), **how)


def sums(folder: Path) -> dict[str, str]:
    """Return the digest of every file of an output, records aside."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir() if p.is_file()}


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def debris(folder: Path) -> list[str]:
    """Return what attempts left, anywhere below a folder."""
    return [str(p) for p in folder.rglob(".fos-*")]
