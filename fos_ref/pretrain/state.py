"""The state of a run in a file, without torch: which run it is of, how far it is, and its arrays."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fos_ref.errors import CheckpointError, InputError
from fos_ref.errors.text import shown
from fos_ref.formats.arrays import AnyArray
from fos_ref.pretrain.config import Config
from fos_ref.storage.safetensors_read import SafetensorsFile

DTYPE = "F32"


@dataclass(frozen=True, slots=True)
class State:
    """A state that is whole: its steps, and the reader of its arrays."""

    steps: int
    file: SafetensorsFile

    def values(self, name: str) -> AnyArray:
        """Return an array, flat."""
        return self.file.read_values(name, 0, math.prod(self.file.info(name).shape))


@contextmanager
def state_of(path: Path, run: str, config: Config, sizes: Mapping[str, int]) -> Iterator[State]:
    """Open the state of a run.

    sizes:  how many values each array has
    Raises: OSError; InputError for the state of another run; CheckpointError for one that is not whole.
    """
    wanted = {"run": run, "config": sizes_of(config)}
    with SafetensorsFile(path) as file:
        given = {name: file.metadata.get(name) for name in wanted}
        if given != wanted:
            msg = f"{path}: the state of another run or config: that of {run} is allowed (delete the file)"
            raise InputError(msg)
        done = file.metadata.get("steps", "")
        if done not in map(str, range(1, config.steps)):
            msg = f"{path}: steps {shown(done)}: 1 to {config.steps - 1:,} are allowed"
            raise CheckpointError(msg)
        held = {n: (t.dtype, math.prod(t.shape)) for n, t in file.tensors.items()}
        needed = {n: (DTYPE, count) for n, count in sizes.items()}
        for name in sorted(held.keys() | needed.keys()):
            if held.get(name) != needed.get(name):
                there, allowed = (_said(f.get(name)) for f in (held, needed))
                msg = f"{path}: {shown(name)}: {there}: {allowed} is allowed"
                raise CheckpointError(msg)
        yield State(int(done), file)


def _said(array: tuple[str, int] | None) -> str:
    return "no array" if array is None else f"{array[0]} of {array[1]:,} values"


def sizes_of(config: Config) -> str:
    """Return what two configs that share a state have alike, as JSON."""
    return json.dumps(config.sizes(), sort_keys=True)
