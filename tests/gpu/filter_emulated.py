"""The fast kernel's own text under g++, thread after thread: its loops, loads and stores without a GPU."""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from fos_gpu.cache import cached
from fos_gpu.grid import fast_grid, Grid, THREADS
from fos_gpu.host import ALWAYS, compiler_version, stacked
from fos_gpu.kernels import FAST, FAST_ENTRY, KERNELS, WITH_FAST
from fos_gpu.lower import definitions, FILTER, HEADER, source
from fos_ref.recipes.recipe import Recipe

SHIM = Path(__file__).with_name("emulation") / "cuda_on_host.h"
MORE = """
#undef __launch_bounds__
#define __launch_bounds__(...)
#define __noinline__ __attribute__((noinline))
static Index3 gridDim;
template <class T> static T __ldcs(const T* p) { return *p; }
template <class T> static T __ldg(const T* p) { return *p; }
template <class T> static void __stcs(T* p, T v) { *p = v; }
static inline float __shfl_xor_sync(unsigned all, float value, int step) {
  unsigned bits;
  __builtin_memcpy(&bits, &value, 4);
  bits = __shfl_xor_sync(all, bits, step);
  __builtin_memcpy(&value, &bits, 4);
  return value;
}
static inline int __any_sync(unsigned, int value) {
  host_cuda::slots[threadIdx.x] = value != 0;
  host_cuda::wait();
  int any = 0;
  for (int i = 0; i < 32; i++) any |= int(host_cuda::slots[threadIdx.x / 32 * 32 + i]);
  host_cuda::wait();
  return any;
}
"""
RUN = f"""
extern "C" void run(long long groups, int threads, void** given) {{
  gridDim.x = static_cast<unsigned>(groups);
  host_cuda::launch([] {{ host_cuda::call({FAST_ENTRY}); }}, groups, threads, given);
}}
"""


@cache
def build(r: Recipe, dtype: str, *knobs: str) -> ctypes.CDLL:
    """Return the kernel file of a recipe with its fast path, built for the host."""
    texts = {name: source(name) for name in (HEADER, FILTER, FAST)}
    texts |= {"shim.h": SHIM.read_text(encoding="utf-8") + MORE, "unit.cpp": source(KERNELS) + RUN}
    constants = (*definitions(r), f"-DFOS_INPUT={dtype}", WITH_FAST, *knobs)
    given = (*ALWAYS, "-Wno-unknown-pragmas", "-O1", *constants)

    def make(path: Path) -> None:
        with tempfile.TemporaryDirectory() as work:
            for name, text in texts.items():
                (Path(work) / name).write_text(text, encoding="utf-8")
            command = ["g++", *given, "-include", "shim.h", "unit.cpp", "-o", str(path)]
            done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=work)
        assert done.returncode == 0, done.stderr[:2000]

    return ctypes.CDLL(str(cached((*texts.values(), *given, compiler_version()), ".so", make)))


def quantize(r: Recipe, x, scales, grid: Grid | None = None, *, poison: int = 0xA5, knobs=()):
    """Return codes, block scales and choices that the kernel writes over bytes of `poison`."""
    rows, cols = x.shape
    grid = grid or fast_grid(r, x.shape, sms=2)
    words = np.ascontiguousarray(x).view(np.uint32 if x.dtype.itemsize == 4 else np.uint16)
    aligned = np.empty(words.nbytes + 16, np.uint8)
    start = -aligned.ctypes.data % 16
    aligned[start : start + words.nbytes] = words.view(np.uint8).ravel()
    out = [np.full((rows, n), poison, np.uint8) for n in (cols // 2, cols // 16, cols // 16)]
    three = stacked(scales)
    pointers = [aligned.ctypes.data + start, *(a.ctypes.data for a in (three, *out))]
    first, *others = (np.array([p], np.uint64) for p in pointers)
    boxes = [first, np.array([rows]), np.array([cols]), *others, np.array([grid.parts], np.int32)]
    given = (ctypes.c_void_p * len(boxes))(*(b.ctypes.data for b in boxes))
    threads = next((int(k.split("=")[1]) for k in knobs if k.startswith("-DFOS_THREADS=")), THREADS)
    library = build(r, x.dtype.name, *knobs)
    library.run(ctypes.c_longlong(grid.groups), ctypes.c_int(threads), given)
    return out
