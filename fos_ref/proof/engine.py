"""The compiled engine beside the model: every preset, ten million blocks and more, byte by byte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from fos_ref.engines.registry import load_engine
from fos_ref.formats.arrays import AnyArray
from fos_ref.inputs.distributions import FAMILIES, make
from fos_ref.model.quantize import tensor_scales
from fos_ref.proof.result import Finding, Progress, Proof
from fos_ref.proof.sweeps.pool import Tally, total
from fos_ref.recipes.axes import AmaxScope, NonFinite
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import BLOCK, Recipe

SHAPE = (256, 4096)
PATTERNS = "bit-patterns"  #: any float32, exponents and signs as they fall
SCALED = "own-amax"  #: normal values under an amax that is not theirs
NAN = "nan-and-infinity"
KINDS = (*FAMILIES, PATTERNS, SCALED, NAN)
SEEDS = 10  #: tensors of every kind: 16 kinds (17 with NaN) x 10 x 65,536 blocks of 16, 10,485,760 a preset
MANY = ("4over6", "te-mse-256")  #: these meet ten times as many
_EVERY = tuple(dict.fromkeys(PRESETS.values()))  #: second names left out
DISTINCT = tuple(r for r in _EVERY if r.search is None)  #: those that have compiled steps
WIDE = tuple(r.name for r in DISTINCT if r.block_cols > BLOCK)  #: blocks of 32: as many tensors again


@dataclass(frozen=True, slots=True)
class Task:
    """One tensor for a group of presets."""

    kind: str
    seed: int
    recipes: tuple[str, ...]

    @property
    def dtype(self) -> str:
        """float32 mostly; two tensors of five are of 16 bits."""
        return ("float32", "float32", "float32", "bfloat16", "float16")[self.seed % 5]


def tensor(task: Task) -> AnyArray:
    """Return the tensor of a task."""
    g = np.random.Generator(np.random.Philox([task.seed, KINDS.index(task.kind)]))
    if task.kind in FAMILIES:
        return make(task.kind, SHAPE, task.seed, task.dtype)
    if task.kind == PATTERNS:
        x = g.integers(0, 1 << 32, SHAPE, dtype=np.uint32).view(np.float32)
        return np.where(np.isfinite(x), x, np.float32(1))
    x = g.standard_normal(SHAPE).astype(np.float32)
    if task.kind == NAN:
        x[g.integers(0, SHAPE[0], 64), g.integers(0, SHAPE[1], 64)] = np.nan
        x[g.integers(0, SHAPE[0], 64), g.integers(0, SHAPE[1], 64)] = np.inf
    return x


def compare(task: Task) -> Tally:
    """Return, per preset, how many blocks were compared and how many bytes differ."""
    x = tensor(task)
    found: Tally = Counter()
    for r in taking(task):
        found[r.name, "blocks"] += x.size // r.block_cols
        found[r.name, "differing"] += _differing(x, r, task)
    return found


def taking(task: Task) -> Iterator[Recipe]:
    """Yield the task's recipes, but for those that refuse its input."""
    for r in (PRESETS[name] for name in task.recipes):
        if task.kind != NAN or r.nonfinite is not NonFinite.RAISE:
            yield r


def _differing(x: AnyArray, r: Recipe, task: Task) -> int:
    """Return how many bytes of amax, codes, block scales and choices differ."""
    model, compiled = load_engine("numpy"), load_engine("numba")
    own, same = model.amax(x, r), compiled.amax(x, r)
    count = int(np.count_nonzero((own != same) & ~(np.isnan(own) & np.isnan(same))))
    if task.kind in (SCALED, NAN):
        amax = np.float32(2.0 ** (task.seed - SEEDS // 2) * 1.3)
        own = np.full(x.shape[:1] if r.amax_scope is AmaxScope.ROW else (), amax, np.float32)
    scales = tensor_scales(own, r, x.dtype)
    pairs = zip(compiled.quantize(x, scales, r), model.quantize(x, scales, r), strict=True)
    return count + sum(int(np.count_nonzero(got != want)) for got, want in pairs)


def tasks() -> list[Task]:
    """Return every tensor with every preset, again with wide blocks, nine times more with the two of MANY."""
    names = tuple(r.name for r in DISTINCT)
    first = [Task(kind, seed, names) for seed in range(SEEDS) for kind in KINDS]
    second = [Task(kind, seed, WIDE) for seed in range(SEEDS, 2 * SEEDS) for kind in KINDS]
    return first + second + [Task(kind, seed, MANY) for seed in range(SEEDS, 10 * SEEDS) for kind in KINDS]


def run(progress: Progress, jobs: int) -> Finding:
    """Compare every preset; a thread a process, because the tasks fill the cores."""
    load_engine("numba").amax(np.zeros((16, 16), np.float32), DISTINCT[0])
    warm = Task("normal", 0, (DISTINCT[0].name,))
    compare(warm)  # compiles once, before the processes ask for it together
    return finding(total(partial(compare), tasks(), jobs, progress))


def finding(found: Tally) -> Finding:
    """Return the figures of a tally: blocks of 16 values (a tile has 16), and what differs."""
    blocks = {r.name: found[r.name, "blocks"] for r in DISTINCT}
    differing = {r.name: n for r in DISTINCT if (n := found[r.name, "differing"])}
    refused = {r.name: load_engine("numba").refuses(r) for r in _EVERY if r not in DISTINCT}
    return Finding(
        not_run={name: why for name, why in refused.items() if why is not None},
        compared=sum(blocks.values()),
        unexplained=sum(differing.values()),
        figures={"blocks": blocks, "differing bytes": differing, "kinds of input": list(KINDS)},
    )


PROOF = Proof(
    name="engine",
    claim="The compiled engine gives the model's bytes for every preset.",
    run=run,
    minutes=25,
)
