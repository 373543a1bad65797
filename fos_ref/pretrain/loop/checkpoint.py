"""The state of a run on disk: a run that was stopped goes on from it to the same bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from fos_ref.formats.arrays import AnyArray
from fos_ref.pretrain.loop.steps import Steps
from fos_ref.pretrain.state import DTYPE, sizes_of, state_of
from fos_ref.storage.safetensors_write import SafetensorsWriter
from fos_ref.storage.tensor_info import TensorInfo


def save(path: Path, steps: Steps, done: int, run: str) -> None:
    """Write the state after `done` steps: all processes call it, one writes. Raises: InputError, OSError."""
    arrays = {name: t.detach().cpu().numpy() for name, t in _tensors(steps).items()}
    arrays["losses"] = np.array(steps.curve(), dtype=np.float32)
    if steps.ranks.rank:
        return
    says = {"run": run, "steps": str(done), "config": sizes_of(steps.config)}
    write_tensors(path, arrays, DTYPE, says)


def load(path: Path, steps: Steps, run: str) -> int:
    """Take up the state of a file; return how many steps were done, 0 where there is no file.

    Raises: OSError; InputError for the state of another run; CheckpointError for one that is not whole.
    """
    if not path.exists():
        return 0
    own = _tensors(steps)
    with state_of(path, run, steps.config, {n: t.numel() for n, t in own.items()}) as state:
        for name, t in own.items():
            t.copy_(torch.from_numpy(state.values(name)).reshape(t.shape))
        if steps.ranks.rank:  # the first process has the sums of all
            steps.losses.zero_()
        return state.steps


def write_tensors(path: Path, arrays: dict[str, AnyArray], dtype: str, says: dict[str, str]) -> None:
    """Write arrays of one dtype as a safetensors file. Raises: InputError, OSError."""
    infos = [TensorInfo.of(name, dtype, a.shape) for name, a in arrays.items()]
    with SafetensorsWriter(path, infos, says, overwrite=True) as out:
        for name, a in arrays.items():
            out.write(name, a)


def _tensors(steps: Steps) -> dict[str, Any]:
    w = steps.weights
    return {"values": w.values, "first": w.first, "second": w.second, "losses": steps.losses}
