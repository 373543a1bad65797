"""Values of checkpoints as arrays, and how many units of the last place two arrays lie apart."""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import fos_ref
from fos_ref.storage.checkpoint import QuantizedCheckpoint
from fos_ref.storage.safetensors_read import SafetensorsFile

_BITS = {2: np.int16, 4: np.int32}
_EXPERT = re.compile(r"(.*)\.(?:mlp|block_sparse_moe)\.experts\.(\d+)\.(\w+)\.weight")
_STACK = re.compile(r"(.*)\[(\d+)\]")
#: A matrix of one expert -> the stack of which transformers makes it a part, and which part.
_MERGED = {"gate_proj": ("gate_up_proj", 0), "up_proj": ("gate_up_proj", 1), "down_proj": ("down_proj", 0)}
_MERGED |= {"w1": _MERGED["gate_proj"], "w3": _MERGED["up_proj"], "w2": _MERGED["down_proj"]}


def tensors(path: Path) -> dict[str, np.ndarray]:
    """Return every tensor of a file by name."""
    with SafetensorsFile(path) as file:
        sizes = {n: (math.prod(i.shape), i.shape) for n, i in file.tensors.items()}
        return {n: file.read_values(n, 0, size).reshape(shape) for n, (size, shape) in sizes.items()}


def said(path: Path) -> dict[str, Any]:
    """Return what the program that wrote a file of values says of the model."""
    with SafetensorsFile(path) as file:
        return dict(json.loads(file.metadata["said"]))


def dequantized(path: Path) -> dict[str, np.ndarray]:
    """Return the float32 values of every weight of a checkpoint of ours, by `fos_ref.dequantize`."""
    with QuantizedCheckpoint(path) as checkpoint:
        return {n: fos_ref.dequantize(checkpoint.tensor(n)) for n in checkpoint.names}


def as_model(values: Mapping[str, np.ndarray], *, turned: bool = False) -> dict[str, np.ndarray]:
    """Return weights of a file under the names of transformers' parameters, experts stacked.

    turned: the experts P[e] of a stack lie (K, N) in the model, as those of gpt-oss do
    """
    found: dict[str, np.ndarray] = {}
    stacks: defaultdict[str, dict[tuple[int, int], np.ndarray]] = defaultdict(dict)
    for name, x in values.items():
        if of := _EXPERT.fullmatch(name):
            stack, part = _MERGED[of[3]]
            stacks[f"{of[1]}.mlp.experts.{stack}"][int(of[2]), part] = x
        elif of := _STACK.fullmatch(name):
            stacks[of[1]][int(of[2]), 0] = x.T if turned else x
        else:
            found[name] = x
    for name, parts in stacks.items():
        experts = 1 + max(e for e, _ in parts)
        halves = 1 + max(half for _, half in parts)
        rows = [np.concatenate([parts[e, half] for half in range(halves)]) for e in range(experts)]
        found[name] = np.stack(rows)
    return found


def ordered(x: np.ndarray) -> np.ndarray:
    """Return int64 numbers that are neighbours where the values of a binary format are; -0 is 0."""
    bits = x.view(_BITS[x.dtype.itemsize]).astype(np.int64)
    lowest = np.int64(np.iinfo(_BITS[x.dtype.itemsize]).min)
    return np.where(bits < 0, lowest - bits, bits)


def ulps(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Return how many representable values lie between, element by element; both have to be finite."""
    assert ours.dtype == theirs.dtype, (ours.dtype, theirs.dtype)
    assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
    for x in (ours, theirs):
        assert np.isfinite(x.astype(np.float32)).all()
    return np.abs(ordered(np.ascontiguousarray(ours)) - ordered(np.ascontiguousarray(theirs)))


def apart(ours: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray]) -> dict[int, int]:
    """Return how many values of the weights `ours` lie 0, 1, 2.. ulp from the same of `theirs`."""
    found: Counter[int] = Counter()
    for name, x in ours.items():
        distance, counts = np.unique(ulps(x, theirs[name]), return_counts=True)
        found.update(dict(zip(distance.tolist(), counts.tolist(), strict=True)))
    return dict(found)
