"""`python -m fos_gpu.proof.host`: the numerics header under g++ beside the model, every preset."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial

import numpy as np

from fos_gpu.build.compiler import compiler_version
from fos_gpu.build.host import build, DEFAULT, HostKernel
from fos_gpu.proof.beside import finding, mixed_tasks, SUPPORTED, tensor_scale_bits
from fos_gpu.proof.command import execute, parser
from fos_gpu.proof.shares import Share, shared, WHOLE
from fos_ref.errors import ToolchainError
from fos_ref.errors.guard import guarded
from fos_ref.formats.arrays import F32
from fos_ref.inputs.distributions import DTYPES
from fos_ref.model.quantize import tensor_scales
from fos_ref.proof.result import Finding, Progress, Proof
from fos_ref.proof.sweeps.pool import Tally, total
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import Recipe

AMAXES = 1 << 20


@cache
def kernel(r: Recipe) -> HostKernel:
    """Return a recipe's loops, built and loaded once a process."""
    return HostKernel(r)


def amaxes(count: int) -> F32:
    """Return tensor amaxes (count + 5,): any magnitude pattern, and the ends of the range."""
    g = np.random.Generator(np.random.Philox(3))
    any_bits = g.integers(0, 1 << 31, count, dtype=np.uint32).view(np.float32)
    ends = np.array([0, 2.0**-149, 3.4028234663852886e38, np.inf, np.nan], dtype=np.float32)
    return np.concatenate([any_bits, ends])


def compare_tensor_scales(count: int, name: str) -> Tally:
    """Return how many tensor amaxes one preset's A, S and D were compared for, and how many differ. N3."""
    r, a = PRESETS[name], amaxes(count)
    found: Tally = Counter()
    for dtype in DTYPES.values():
        found[name, "amaxes"] += a.size
        found[name, "differing"] += tensor_scale_bits(
            tensor_scales(a, r, dtype), kernel(r).tensor_scales(a, dtype)
        )
    return found


def build_one(name: str) -> Tally:
    """Build one preset's loops; return that it was done."""
    build(PRESETS[name])
    return Counter({(name, "built"): 1})


def run(progress: Progress, jobs: int, part: Share = WHOLE) -> Finding:
    """Build the presets of a part, then compare tensor scales and blocks."""
    compiler_version()
    names = part.of([r.name for r in SUPPORTED])
    total(build_one, names, jobs, progress)
    scales = total(partial(compare_tensor_scales, AMAXES), names, jobs, progress)
    groups = [names[i::8] for i in range(min(8, len(names)))]
    found = finding(kernel, [t for g in groups for t in mixed_tasks(g)], jobs, progress)
    wrong = {n: count for n in names if (count := scales[n, "differing"])}
    compared = sum(scales[n, "amaxes"] for n in names)
    return replace(
        found,
        compared=found.compared + compared,
        unexplained=found.unexplained + sum(wrong.values()),
        figures={**found.figures, "tensor amaxes": compared, "differing tensor scales": wrong},
    )


PROOF = Proof(
    name="host",
    claim="The header of the GPU kernels, built by g++, gives the model's bytes for every preset.",
    run=run,
    minutes=10,
)


def compiler() -> dict[str, str]:
    """Return what built the loops; empty where there is no g++, which the proof then says itself."""
    try:
        return {"compiler": compiler_version(), "options": " ".join(DEFAULT)}
    except ToolchainError:
        return {}


@guarded
def main(argv: Sequence[str] | None = None) -> int:
    """Run the proof from the command line."""
    given = shared(parser(PROOF)).parse_args(argv)
    return execute(replace(PROOF, run=partial(run, part=given.share)), given, compiler())


if __name__ == "__main__":
    sys.exit(main())
