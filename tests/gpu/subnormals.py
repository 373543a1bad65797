"""Subnormals on the device: a kernel compiled by CuPy loses them, one compiled by this package keeps them.

`python -m tests.gpu.subnormals FILE` writes what a GPU gave as JSON.
"""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from fos_gpu.build import nvrtc
from fos_gpu.engine import capability

SOURCE = r"""
extern "C" __global__ void products(const float* a, const float* b, float* out) {
  out[threadIdx.x] = a[threadIdx.x] * b[threadIdx.x];
}
"""
#: Products that are subnormal, and one operand that is.
A = np.array([1e-30, 2.0**-100, 2.0**-149, -(2.0**-140), 3.0], dtype=np.float32)
B = np.array([1e-10, 2.0**-40, 2.0, 2.0**20, 5.0], dtype=np.float32)


def through_cupy() -> np.ndarray:
    """Return the products of a kernel that CuPy compiles, with the -ftz=true that it appends."""
    cupy = importlib.import_module("cupy")
    return _products(cupy, cupy.RawKernel(SOURCE, "products", options=("--fmad=false", "-ftz=false")))


def through_cubin() -> np.ndarray:
    """Return the products of the same text compiled by fos_gpu.build.nvrtc and loaded as a cubin."""
    cupy = importlib.import_module("cupy")
    cubin, _ = nvrtc.compile_source(SOURCE, {}, (f"-arch=sm_{capability()}",))
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / "products.cubin"
        path.write_bytes(cubin)
        return _products(cupy, cupy.RawModule(path=str(path)).get_function("products"))


def _products(cupy, kernel) -> np.ndarray:
    out = cupy.full(A.size, np.nan, dtype=np.float32)
    kernel((1,), (A.size,), (cupy.asarray(A), cupy.asarray(B), out))
    return cupy.asnumpy(out)


def hexadecimal(values: np.ndarray) -> list[str]:
    """Return float32 values as their bits."""
    return [f"{v:08x}" for v in values.view(np.uint32)]


def main() -> None:
    found = {
        "a": hexadecimal(A),
        "b": hexadecimal(B),
        "IEEE 754": hexadecimal(A * B),
        "compiled by CuPy": hexadecimal(through_cupy()),
        "compiled by fos_gpu": hexadecimal(through_cubin()),
    }
    text = json.dumps(found, indent=1)
    Path(sys.argv[1]).write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
