"""`python -m fos_gpu.proof.device`: the engine "cuda" beside the model on this GPU, every preset."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from fos_gpu.build import kernels, nvrtc
from fos_gpu.build.lower import INPUTS
from fos_gpu.build.machine import card
from fos_gpu.build.probe import available
from fos_gpu.engine import capability, CudaEngine
from fos_gpu.proof.beside import all_tasks, finding, SUPPORTED
from fos_gpu.proof.command import run as run_command
from fos_ref.errors import ToolchainError
from fos_ref.errors.guard import guarded
from fos_ref.formats.arrays import AnyArray, Bool, F32, U8
from fos_ref.model.trace import Scales
from fos_ref.proof.result import Finding, Progress, Proof
from fos_ref.proof.sweeps.pool import Tally, total
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import Recipe


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


def compile_one(task: tuple[str, str, str]) -> Tally:
    """Compile (preset, dtype, architecture) into the cache; return that it was done."""
    name, dtype, arch = task
    kernels.cubin(PRESETS[name], dtype, arch)
    if kernels.has_fast(PRESETS[name]):
        kernels.cubin(PRESETS[name], dtype, arch, fast=True)
    return Counter({(name, "compiled"): 1})


def run(progress: Progress, jobs: int) -> Finding:
    """Compile every preset for every input dtype, then compare; ToolchainError where no kernel can run."""
    here = available()
    if not here:
        raise ToolchainError(here.reason)
    names, arch = tuple(r.name for r in SUPPORTED), nvrtc.target(capability())
    total(compile_one, [(n, d, arch) for n in names for d in INPUTS], jobs, progress)
    return finding(kernel, all_tasks(names), jobs, progress)


PROOF = Proof(
    name="device",
    claim="The kernels give the model's bytes for every NVFP4 preset, on the GPU named below.",
    run=run,
    minutes=3,
)


@guarded
def main(argv: Sequence[str] | None = None) -> int:
    """Run the proof from the command line."""
    return run_command(PROOF, argv, card())


if __name__ == "__main__":
    sys.exit(main())
