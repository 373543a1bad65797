"""`python -m fos_gpu.proof.device`: the kernels beside the model on this GPU, every recipe of the package.

In parts, and joined without a GPU: `--share 1/4 --out DIR` for each part, then `--join DIR --out reports`.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import numpy as np

from fos_gpu.build import kernels, modules, nvrtc
from fos_gpu.build.lower import INPUTS, unsupported
from fos_gpu.build.machine import card
from fos_gpu.build.probe import available
from fos_gpu.engine import capability, CudaEngine
from fos_gpu.proof import apart
from fos_gpu.proof.beside import differing, EVERY, SEARCHED, SUPPORTED
from fos_gpu.proof.command import execute, parser
from fos_gpu.proof.door import COLS, Compared, ROWS, through_the_door
from fos_gpu.proof.shares import Share, shared, WHOLE
from fos_ref.errors import FosError, ToolchainError
from fos_ref.errors.guard import guarded
from fos_ref.formats.arrays import AnyArray, Bool, F32, U8
from fos_ref.model.trace import Scales
from fos_ref.proof.engine import KINDS, NAN, SCALED, taking, Task, tensor
from fos_ref.proof.result import Finding, Progress, Proof
from fos_ref.proof.sweeps.pool import Tally, total
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import Recipe

#: Seeds of fos_ref.proof.engine.Task: two of each input dtype.
SEEDS = (0, 1, 3, 4, 8, 9)
BLOCKS, DOOR, DIFFERING, FAILED = "blocks", "blocks at the door", "differing", "failed"
AMAX = 1.5  #: given at the door to inputs with an amax not theirs, or with none


@dataclass(frozen=True, slots=True)
class DeviceKernel:
    """One recipe on the device."""

    recipe: Recipe

    def amax(self, x: AnyArray) -> F32:
        """Return the tensor amax, () or (R,)."""
        return CudaEngine().amax(x, self.recipe)

    def quantize(self, x: AnyArray, scales: Scales) -> tuple[U8, U8, Bool]:
        """Return packed codes, block scales and choices."""
        return CudaEngine().quantize(x, scales, self.recipe)


@cache
def kernel(r: Recipe) -> DeviceKernel:
    """Return a recipe's kernels."""
    return DeviceKernel(r)


@cache
def door_dtype(r: Recipe) -> str:
    """Return the input dtype in which a recipe goes through the door: they take turns."""
    return INPUTS[SUPPORTED.index(r) % len(INPUTS)]


def door_units(r: Recipe, dtype: str) -> Iterator[modules.Unit]:
    """Yield what the calls of the door start beside the engine's kernels."""
    yield from (modules.tensor_unit(r, dtype), modules.whole_unit(r, dtype))
    yield modules.fast_columns_unit(r, dtype) or modules.columns_unit(r, dtype)
    yield modules.dequantize_unit(r, "float32")


def compile_one(task: tuple[str, str, str]) -> Tally:
    """Compile (preset, dtype, architecture) into the cache; return that it was done, or why not."""
    name, dtype, arch = task
    r = PRESETS[name]
    try:
        for fast in (False, True)[: 1 + kernels.has_fast(r)]:
            kernels.cubin(r, dtype, arch, fast=fast)
        for unit in door_units(r, dtype) if dtype == door_dtype(r) else ():
            modules.cubin(unit, arch)
    except ToolchainError as e:
        return Counter({(FAILED, f"{name}: {e}"): 1})
    return Counter({(name, "compiled"): 1})


def compare(task: Task) -> Tally:
    """Return what was compared and what differs, by preset; a preset that fails is counted as that."""
    x = tensor(task)
    found: Tally = Counter()
    for r in taking(task):
        found += apart.run(compare_one, (replace(task, recipes=(r.name,)), x[:SEARCHED] if r.search else x))
    return found


def compare_one(given: tuple[Task, AnyArray]) -> Tally:
    """Return the counts of one preset on one tensor: by the engine; of one dtype a part through the door."""
    task, x = given
    (name,) = task.recipes
    r = PRESETS[name]
    try:
        bad = differing(kernel(r), x, r, task)
        door = _door(x, r, task) if x.dtype.name == door_dtype(r) else Compared(0, {})
    except FosError as e:
        return Counter({(FAILED, f"{name}: {task.kind}, seed {task.seed}: {e}"): 1})
    counts = {(name, BLOCKS): x.size // r.block_cols, (name, DOOR): door.blocks}
    counts |= {(DIFFERING, name): bad} if bad else {}
    return Counter(counts | {(DIFFERING, f"{name}, {call}"): n for call, n in door.differing.items()})


def _door(x: AnyArray, r: Recipe, task: Task) -> Compared:
    part = np.ascontiguousarray(x[:ROWS, :COLS])
    return through_the_door(part, r, _amax(part, r) if task.kind in (SCALED, NAN) else None)


def _amax(x: AnyArray, r: Recipe) -> F32:
    return np.full(x.shape[:1] if r.amax_scope is AmaxScope.ROW else (), AMAX, np.float32)


def run(progress: Progress, jobs: int, part: Share = WHOLE) -> Finding:
    """Compile the presets of a part for every input dtype, then compare; ToolchainError without a kernel."""
    here = available()
    if not here:
        raise ToolchainError(here.reason)
    names, arch = part.of([r.name for r in SUPPORTED]), nvrtc.target(capability())
    made = total(compile_one, [(n, d, arch) for n in names for d in INPUTS], jobs, progress)
    tasks = [Task(kind, seed, names) for seed in SEEDS for kind in KINDS]
    return finding(made + total(compare, tasks, jobs, progress), names)


def finding(found: Tally, names: Sequence[str]) -> Finding:
    """Return the figures of a tally, by preset; a failure counts as a difference."""
    blocks, door = ({n: found[n, what] for n in names} for what in (BLOCKS, DOOR))
    bad, failed = (_kind(found, what) for what in (DIFFERING, FAILED))
    return Finding(
        compared=sum(blocks.values()) + sum(door.values()),
        unexplained=sum(bad.values()) + sum(failed.values()),
        figures={
            "blocks": blocks,
            "blocks at the door": door,
            "differing bytes": bad,
            "failed": failed,
            "kinds of input": list(KINDS),
        },
        not_run={r.name: str(unsupported(r)) for r in EVERY if unsupported(r)},
    )


def _kind(found: Tally, kind: str) -> dict[str, int]:
    return {what: n for (k, what), n in sorted(found.items()) if k == kind}


PROOF = Proof(
    name="device",
    claim="The kernels give the model's bytes for every recipe that has them, on the GPU named below.",
    run=run,
    minutes=10,
)


@guarded
def main(argv: Sequence[str] | None = None) -> int:
    """Run the proof from the command line."""
    arguments = shared(parser(PROOF))
    arguments.add_argument("--join", type=Path, metavar="DIR", help="join the parts in DIR: none is run")
    given = arguments.parse_args(argv)
    return execute(replace(PROOF, run=partial(run, part=given.share)), given, {} if given.join else card())


if __name__ == "__main__":
    sys.exit(main())
