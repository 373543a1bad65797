"""Another engine beside the model: the same tensors, every preset that has a kernel, byte by byte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Protocol

import numpy as np

from fos_gpu.build.lower import unsupported
from fos_ref.engines.registry import load_engine
from fos_ref.formats.arrays import AnyArray, Bool, F32, U8
from fos_ref.model.quantize import tensor_scales
from fos_ref.model.trace import Scales
from fos_ref.proof.engine import KINDS, NAN, SCALED, taking, Task, tensor
from fos_ref.proof.result import Finding, Progress
from fos_ref.proof.sweeps.pool import Tally, total
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import Recipe

EVERY = tuple(dict.fromkeys(PRESETS.values()))  #: second names left out
SUPPORTED = tuple(r for r in EVERY if unsupported(r) is None)
SEARCHED = 16  #: rows of a tensor that a search is compared on: the model tries more than a hundred scales
#: Seeds of fos_ref.proof.engine.Task whose distributions come as float32, bfloat16 and float16.
FLOAT32, BFLOAT16, FLOAT16 = 0, 3, 4


class Candidate(Protocol):
    """What is compared: one recipe's amax and quantize."""

    def amax(self, x: AnyArray) -> F32:
        """Return the tensor amax, () or (R,)."""

    def quantize(self, x: AnyArray, scales: Scales) -> tuple[U8, U8, Bool]:
        """Return packed codes, block scales and choices."""


#: recipe -> what is compared; a function of a module, because it goes to other processes.
Maker = Callable[[Recipe], Candidate]


def mixed_tasks(names: tuple[str, ...]) -> list[Task]:
    """Return one tensor of each kind of input for the presets `names`; dtypes take turns."""
    seeds = (FLOAT32, BFLOAT16, FLOAT16)
    return [Task(kind, seeds[i % 3], names) for i, kind in enumerate(KINDS)]


def all_tasks(names: tuple[str, ...]) -> list[Task]:
    """Return one tensor of each kind of input and dtype for the presets `names`."""
    return [Task(kind, seed, names) for seed in (FLOAT32, BFLOAT16, FLOAT16) for kind in KINDS]


def compare(maker: Maker, task: Task) -> Tally:
    """Return, per preset, how many blocks of 16 were compared and how many bytes differ."""
    x = tensor(task)
    found: Tally = Counter()
    for r in taking(task):
        part = x if r.search is None else x[:SEARCHED]
        found[r.name, "blocks"] += part.size // r.block_cols
        found[r.name, "differing"] += differing(maker(r), part, r, task)
    return found


def differing(candidate: Candidate, x: AnyArray, r: Recipe, task: Task) -> int:
    """Return how many bytes of codes, block scales, choices and how many amaxes differ from the model's."""
    model = load_engine("numpy")
    own, same = model.amax(x, r), candidate.amax(x)
    count = _unequal(own, same)
    if task.kind in (SCALED, NAN):
        amax = np.float32(1.3 * 2.0 ** (task.seed - 2))
        own = np.full(x.shape[:1] if r.amax_scope is AmaxScope.ROW else (), amax, np.float32)
    scales = tensor_scales(own, r, x.dtype)
    pairs = zip(candidate.quantize(x, scales), model.quantize(x, scales, r), strict=True)
    return count + sum(int(np.count_nonzero(got != want)) for got, want in pairs)


def _unequal(a: F32, b: F32) -> int:
    """Return how many values differ in their bits; any NaN equals any other."""
    bits = np.ravel(a).view(np.uint32) != np.ravel(b).view(np.uint32)
    return int(np.count_nonzero(bits & ~(np.isnan(np.ravel(a)) & np.isnan(np.ravel(b)))))


def tensor_scale_bits(scales: Scales, stacked: F32) -> int:
    """Return how many of A, S and D differ from the model's in their bits."""
    three = (scales.amax, scales.encode, scales.decode)
    return sum(_unequal(want, got) for want, got in zip(three, stacked, strict=True))


def finding(maker: Maker, tasks: list[Task], jobs: int, progress: Progress) -> Finding:
    """Run the tasks and return the figures, by preset."""
    found = total(partial(compare, maker), tasks, jobs, progress)
    names = dict.fromkeys(name for task in tasks for name in task.recipes)
    blocks = {name: found[name, "blocks"] for name in names}
    bad = {name: n for name in names if (n := found[name, "differing"])}
    return Finding(
        compared=sum(blocks.values()),
        unexplained=sum(bad.values()),
        figures={"blocks": blocks, "differing bytes": bad, "kinds of input": list(KINDS)},
        not_run={r.name: str(unsupported(r)) for r in EVERY if unsupported(r)},
    )
