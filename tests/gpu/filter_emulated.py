"""The fast kernel's own text under g++, thread after thread: its loops, loads and stores without a GPU."""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from fos_gpu.build.cache import cached
from fos_gpu.build.compiler import compiler_version, write_texts
from fos_gpu.build.grid import fast_grid, tuning
from fos_gpu.build.host import ALWAYS, stacked
from fos_gpu.build.kernels import FAST_ENTRY, headers, KERNELS, WITH_FAST
from fos_gpu.build.lower import definitions, source
from fos_ref.recipes.recipe import Recipe

SHIM = Path(__file__).with_name("emulation") / "cuda_on_host.h"
#: What the fast kernel needs beyond the shim, under names of its own: the shim may come to have it too.
MORE = """
#undef __launch_bounds__
#define __launch_bounds__(...)
#undef __noinline__
#define __noinline__ __attribute__((noinline))
namespace fast_kernel {
static Index3 grid;
template <class T> static T load(const T* p) { return *p; }
template <class T> static void store(T* p, T v) { *p = v; }
static inline unsigned add(unsigned* at, unsigned v) { unsigned old = *at; *at += v; return old; }
static inline unsigned meet(unsigned value, unsigned lane) {
  host_cuda::slots[threadIdx.x] = value;
  host_cuda::wait();
  unsigned got = host_cuda::slots[threadIdx.x / 32 * 32 + lane];
  host_cuda::wait();
  return got;
}
template <class T> static T exchange(unsigned, T value, int step) {
  unsigned bits;
  __builtin_memcpy(&bits, &value, 4);
  bits = meet(bits, (threadIdx.x % 32) ^ static_cast<unsigned>(step));
  __builtin_memcpy(&value, &bits, 4);
  return value;
}
static inline int any(unsigned, int value) {
  int found = value != 0;
  for (int step = 16; step > 0; step /= 2) found |= exchange(0u, found, step);
  return found;
}
}
namespace fast_kernel {
static inline unsigned votes(unsigned, bool value) {
  unsigned found = value ? 1u << threadIdx.x % 32 : 0u;
  for (int step = 16; step > 0; step /= 2) found |= exchange(0u, found, step);
  return found;
}
}
#define __ballot_sync fast_kernel::votes
#define __popc __builtin_popcount
#define gridDim fast_kernel::grid
#define __ldcs fast_kernel::load
#define __ldg fast_kernel::load
#define __stcs fast_kernel::store
#define atomicAdd fast_kernel::add
#define __shfl_xor_sync fast_kernel::exchange
#define __any_sync fast_kernel::any
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
    texts = headers(fast=True) | {
        "shim.h": SHIM.read_text(encoding="utf-8") + MORE,
        "unit.cpp": source(KERNELS) + RUN,
    }
    constants = (*definitions(r), f"-DFOS_INPUT={dtype}", WITH_FAST, *knobs)
    given = (*ALWAYS, "-Wno-unknown-pragmas", "-O1", *constants)

    def make(path: Path) -> None:
        with tempfile.TemporaryDirectory() as work:
            write_texts(Path(work), texts)
            command = ["g++", *given, "-include", "shim.h", "unit.cpp", "-o", str(path)]
            done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=work)
        assert done.returncode == 0, done.stderr[:2000]

    return ctypes.CDLL(str(cached((*texts.values(), *given, compiler_version()), ".so", make)))


def on_16_bytes(words):
    """Return a copy of an array that starts at a multiple of 16 bytes, as device memory does."""
    room = np.empty(words.nbytes + 16, np.uint8)
    start = -room.ctypes.data % 16
    found = room[start : start + words.nbytes].view(words.dtype).reshape(words.shape)
    found[...] = words
    return found


def start(r: Recipe, dtype: str, size: tuple[int, int], arguments, *knobs: str) -> None:
    """Run the kernel on arrays and whole numbers; size: thread blocks, threads of each."""
    boxes = [np.array([a.ctypes.data], np.uint64) if a.ndim else np.array([a]) for a in arguments]
    given = (ctypes.c_void_p * len(boxes))(*(b.ctypes.data for b in boxes))
    build(r, dtype, *knobs).run(ctypes.c_longlong(size[0]), ctypes.c_int(size[1]), given)


def quantize(r: Recipe, x, scales, grid=None, *, poison: int = 0xA5, tuned=None, knobs=()):
    """Return codes, block scales and choices that the kernel writes over bytes of `poison`."""
    rows, cols = x.shape
    tuned = tuned or tuning(r, x.dtype.name)
    grid = grid or fast_grid(r, x.shape, 2, tuned)
    words = on_16_bytes(np.ascontiguousarray(x).view(f"u{x.dtype.itemsize}"))
    out = [np.full((rows, n), poison, np.uint8) for n in (cols // 2, cols // 16, cols // 16)]
    arguments = (words, np.int64(rows), np.int64(cols), stacked(scales), *out, np.int32(grid.parts))
    start(r, x.dtype.name, (grid.groups, tuned.threads), arguments, *tuned.definitions, *knobs)
    return out
