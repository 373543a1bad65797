"""`python -m fos_gpu.proof.fast`: the kernels' fast path under g++ beside the model, every admitted preset.

Besides the inputs of fos_gpu.proof.host: blocks one step from the edge of a choice, where the bound says who
decides. Each with both ways in which a pair of codes leaves float32. The figures say how many blocks and
tiles were left to the recipe word for word.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache, partial

import numpy as np

from fos_gpu.build.compiler import compiler_version
from fos_gpu.build.host import build, DEFAULT, FAST, FastKernel
from fos_gpu.build.lower import admitted
from fos_gpu.proof.beside import differing, mixed_tasks, SUPPORTED
from fos_gpu.proof.command import run as run_command
from fos_gpu.proof.host import compiler
from fos_ref.engines.registry import load_engine
from fos_ref.errors.guard import guarded
from fos_ref.formats.arrays import AnyArray
from fos_ref.inputs.choice_edges import AMAX, choice_edges
from fos_ref.model.quantize import tensor_scales
from fos_ref.proof.engine import taking, Task, tensor
from fos_ref.proof.result import Finding, Progress, Proof
from fos_ref.proof.sweeps.pool import Tally, total
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import Recipe

ADMITTED = tuple(r for r in SUPPORTED if admitted(r))
EDGES = 1000  #: blocks or tiles that are moved to an edge, five neighbours of each
PAIRS = ("float16", "e4m3")  #: FOS_PAIRS of fos_filter.h
BLOCKS, DIFFERING, SEEN, LITERAL = "blocks", "differing", "seen", "literal"


@cache
def kernel(r: Recipe, pairs: str) -> FastKernel:
    """Return a recipe's fast path, built and loaded once a process."""
    return FastKernel(r, (*DEFAULT, f"-DFOS_PAIRS={pairs}"))


def compare(task: Task) -> Tally:
    """Return, per preset, how many blocks were compared and bytes differ; per kind, how many were literal."""
    x = tensor(task)
    found: Tally = Counter()
    for r in taking(task):
        found += _counted(r.name, task.kind, partial(_differing, x, task))
        found[r.name, BLOCKS] += len(PAIRS) * x.size // r.block_cols
    return found


def _differing(x: AnyArray, task: Task, k: FastKernel) -> int:
    return differing(k, x, k.recipe, task)


def compare_edges(count: int, name: str) -> Tally:
    """Return the same for blocks on the edge of a choice; nothing for a recipe without one."""
    r = PRESETS[name]
    if not r.chooses:
        return Counter()
    x = choice_edges(r, count, seed=1)
    shape = x.shape[:1] if r.amax_scope is AmaxScope.ROW else ()
    scales = tensor_scales(np.full(shape, AMAX, np.float32), r, x.dtype)
    want = load_engine("numpy").quantize(x, scales, r)

    def unequal(k: FastKernel) -> int:
        pairs = zip(k.quantize(x, scales), want, strict=True)
        return sum(int(np.count_nonzero(a != b)) for a, b in pairs)

    return _counted(name, "edges", unequal) + Counter({(name, BLOCKS): len(PAIRS) * x.size // r.block_cols})


def _counted(name: str, kind: str, compared: Callable[[FastKernel], int]) -> Tally:
    """Return how many bytes differ, and how many of the blocks or tiles that were seen were literal."""
    found: Tally = Counter()
    for k in (kernel(PRESETS[name], pairs) for pairs in PAIRS):
        seen, literal = k.seen, k.literal
        found[name, DIFFERING] += compared(k)
        found[kind, SEEN] += k.seen - seen
        found[kind, LITERAL] += k.literal - literal
    return found


def build_one(name: str) -> Tally:
    """Build one preset's loops; return that it was done."""
    for pairs in PAIRS:
        build(PRESETS[name], (*DEFAULT, f"-DFOS_PAIRS={pairs}", FAST))
    return Counter({(name, "built"): 1})


def run(progress: Progress, jobs: int, edges: int = EDGES) -> Finding:
    """Build every admitted preset, then compare tensors and edges."""
    compiler_version()
    names = tuple(r.name for r in ADMITTED)
    total(build_one, names, jobs, progress)
    groups = [names[i::8] for i in range(8)]
    found = total(compare, [t for g in groups for t in mixed_tasks(g)], jobs, progress)
    found += total(partial(compare_edges, edges), names, jobs, progress)
    bad = {name: n for name in names if (n := found[name, DIFFERING])}
    kinds = [kind for kind, what in found if what == SEEN]
    return Finding(
        compared=sum(found[name, BLOCKS] for name in names),
        unexplained=sum(bad.values()),
        figures={
            "presets": len(names),
            "differing bytes": bad,
            "blocks or tiles": {kind: found[kind, SEEN] for kind in kinds},
            "of these left to the recipe": {kind: found[kind, LITERAL] for kind in kinds},
        },
        not_run={r.name: "the fast path is not proved for it" for r in SUPPORTED if not admitted(r)},
    )


PROOF = Proof(
    name="fast",
    claim="The kernels' fast path, built by g++, gives the model's bytes for every admitted preset.",
    run=run,
    minutes=10,
)


@guarded
def main(argv: Sequence[str] | None = None) -> int:
    """Run the proof from the command line."""
    return run_command(PROOF, argv, compiler())


if __name__ == "__main__":
    sys.exit(main())
