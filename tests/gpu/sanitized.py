"""What runs under compute-sanitizer: each kernel on a few odd shapes, and one wrong on purpose per tool.

`python -m tests.gpu.sanitized kernels`, or the name of a tool for the kernel that the tool has to report.
Every array has an allocation of its own, so that a byte past its end is nobody else's.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

import fos_gpu
from fos_gpu.build import kernels, nvrtc
from fos_gpu.engine import capability
from fos_ref.inputs.distributions import make
from tests.gpu.cases import BY_NAME, DTYPES, FEW, TILES

DONE = "launched everything"  #: the last line: without it a tool's count says nothing
SHAPES = ((1, 16), (7, 48), (129, 16), (33, 528), (32, 48))
TILED = ((16, 16), (16, 144), (48, 144))
#: By tool, what it has to report: past the end, a race, an unwritten value, a barrier not all reach.
WRONG = {
    "memcheck": "out[threadIdx.x + 1] = 1.0f;",
    "racecheck": "__shared__ float s[64]; s[threadIdx.x] = 1.0f; out[threadIdx.x] = s[63 - threadIdx.x];",
    "initcheck": "out[threadIdx.x] = in[threadIdx.x] + 1.0f;",
    "synccheck": "if (threadIdx.x < 40) __syncthreads(); out[threadIdx.x] = 1.0f;",
}
THREADS = 64


def alone():
    """Return CuPy with its memory pool switched off."""
    cupy = importlib.import_module("cupy")
    cupy.cuda.set_allocator(None)
    return cupy


def run_wrong(tool: str) -> None:
    """Start the kernel that `tool` reports."""
    cupy = alone()
    text = f'extern "C" __global__ void wrong(const float* in, float* out) {{ {WRONG[tool]} }}'
    cubin, _ = nvrtc.compile_source(text, {}, (f"-arch=sm_{capability()}",))
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / "wrong.cubin"
        path.write_bytes(cubin)
        kernel = cupy.RawModule(path=str(path)).get_function("wrong")
        kernel((1,), (THREADS,), (cupy.empty(THREADS, np.float32), cupy.empty(THREADS, np.float32)))
        cupy.cuda.Device().synchronize()


def run_kernels() -> None:
    """Start every kernel on small tensors, by the fast path and by the recipe word for word."""
    cupy = alone()
    for switch in ("1", "0"):
        os.environ[kernels.SWITCH] = switch
        for i, name in enumerate((*FEW, *TILES)):
            for shape in TILED if name in TILES else SHAPES:
                host = make("normal", shape, i, DTYPES[i % 3])
                x = cupy.asarray(host.view(f"u{host.dtype.itemsize}")).view(host.dtype)
                run_one(x, name)
    cupy.cuda.Device().synchronize()


def run_one(x, name: str) -> None:
    """Quantize, dequantize and measure one tensor: along rows and columns, linear and swizzled."""
    for layout in ("linear", "swizzled"):
        q = fos_gpu.quantize(x, name, scale_layout=layout)
        fos_gpu.dequantize(q, "bfloat16")
        fos_gpu.errors(x, q).to_host()
        q.to_host()
    if all(n % 16 == 0 for n in x.shape):
        q = fos_gpu.quantize(x, name, columnwise=True)
        fos_gpu.errors(x, q).to_host()
        q.to_host()
    fos_gpu.amax(x, BY_NAME[name])


def main() -> None:
    what = sys.argv[1]
    if what == "kernels":
        run_kernels()
    else:
        run_wrong(what)
    sys.stdout.write(DONE + "\n")


if __name__ == "__main__":
    main()
