"""Compile what the tests on a GPU need into the cache, on all cores: `python -m tests.gpu.compile_units`.

An argument names another architecture than the current device's. Set FOS_GPU_CACHE so that tests find it.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from fos_gpu.build import kernels, modules, nvrtc
from fos_gpu.build.lower import INPUTS
from fos_gpu.engine import capability
from fos_gpu.proof.beside import SUPPORTED
from tests.gpu.cases import BY_NAME, FEW, TILES
from tests.gpu.surface import DECODED


def units() -> list[modules.Unit]:
    """Return the units of the tests, each once."""
    found = [modules.layout_unit()]
    for dtype in INPUTS:
        for r in SUPPORTED:
            fast = modules.fast_columns_unit(r, dtype)
            found += [modules.tensor_unit(r, dtype), fast or modules.columns_unit(r, dtype)]
        found += [modules.columns_unit(BY_NAME[name], dtype) for name in (*FEW, *TILES)]
        for r in DECODED:
            found += [modules.dequantize_unit(r, dtype)]
            found += [modules.errors_unit(r, dtype, columnwise=c) for c in (False, True)]
    return list(dict.fromkeys(found))


def compile_unit(arch: str, unit: modules.Unit) -> None:
    modules.cubin(unit, arch)


def compile_recipe(arch: str, task: tuple[str, str]) -> None:
    name, dtype = task
    r = BY_NAME[name]
    kernels.cubin(r, dtype, arch, fast=kernels.has_fast(r))


def main() -> None:
    arch = sys.argv[1] if len(sys.argv) > 1 else nvrtc.target(capability())
    start, todo = time.perf_counter(), units()
    tasks = [(name, dtype) for name in (*FEW, *TILES) for dtype in INPUTS]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        recipes = pool.map(partial(compile_recipe, arch), tasks)
        list(pool.map(partial(compile_unit, arch), todo, chunksize=4))
        list(recipes)
    seconds = time.perf_counter() - start
    sys.stdout.write(f"{len(todo) + len(tasks)} cubins for {arch} in {seconds:.0f} s\n")


if __name__ == "__main__":
    main()
