"""The state of a run on disk: a run that was stopped goes on from it to the same bits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fos_ref.errors import InputError
from fos_ref.formats.arrays import AnyArray
from fos_ref.pretrain.config import Config
from fos_ref.pretrain.loop.steps import Steps
from fos_ref.storage.safetensors_read import SafetensorsFile
from fos_ref.storage.safetensors_write import SafetensorsWriter
from fos_ref.storage.tensor_info import TensorInfo

#: What two configs may differ in and still share a checkpoint: which runs there are.
_WHICH = ("models", "arms", "seeds")


def save(path: Path, steps: Steps, done: int, run: str) -> None:
    """Write the state after `done` steps: all processes call it, one writes. Raises: InputError, OSError."""
    arrays = {name: t.detach().cpu().numpy() for name, t in _tensors(steps).items()}
    arrays["losses"] = np.array(steps.curve(), dtype=np.float32)
    if steps.ranks.rank:
        return
    says = {"run": run, "steps": str(done), "config": _sizes(steps.config)}
    write_tensors(path, arrays, "F32", says)


def load(path: Path, steps: Steps, run: str) -> int:
    """Take up the state of a file; return how many steps were done, 0 where there is no file.

    Raises: OSError, CheckpointError; InputError for the state of another run.
    """
    if not path.exists():
        return 0
    wanted = {"run": run, "config": _sizes(steps.config)}
    with SafetensorsFile(path) as file:
        given = {name: file.metadata.get(name) for name in wanted}
        if given != wanted:
            msg = f"{path}: the state of another run or config: that of {run} is allowed (delete the file)"
            raise InputError(msg)
        for name, own in _tensors(steps).items():
            own.copy_(torch.from_numpy(file.read_values(name, 0, own.numel())))
        if steps.ranks.rank:  # the first process has the sums of all
            steps.losses.zero_()
        return int(file.metadata["steps"])


def write_tensors(path: Path, arrays: dict[str, AnyArray], dtype: str, says: dict[str, str]) -> None:
    """Write arrays of one dtype as a safetensors file. Raises: InputError, OSError."""
    infos = [TensorInfo.of(name, dtype, a.shape) for name, a in arrays.items()]
    with SafetensorsWriter(path, infos, says, overwrite=True) as out:
        for name, a in arrays.items():
            out.write(name, a)


def _tensors(steps: Steps) -> dict[str, Any]:
    w = steps.weights
    return {"values": w.values, "first": w.first, "second": w.second, "losses": steps.losses}


def _sizes(config: Config) -> str:
    kept = {k: v for k, v in config.document().items() if k not in _WHICH}
    return json.dumps(kept, sort_keys=True)
