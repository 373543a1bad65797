"""The sweep's kernels under g++, one thread after the other: their logic without a GPU.

The words of CUDA that they use are given plain meanings; the conversions are the twins, as on any host.
"""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import numpy as np

from fos_gpu.build.compiler import write_texts
from fos_gpu.build.lower import numerics, source
from fos_gpu.build.twins import DEFINITIONS, OPTIONS, PTX
from fos_gpu.proof.runs import empty_table
from fos_gpu.proof.sweep import KERNELS, RUN, THREADS

KERNEL_NAMES = ("e2m1", "e4m3", "e2m1_twin", "e4m3_twin")
SHIM = """
struct Three { unsigned x; };
static Three blockIdx, blockDim, threadIdx;
#define __global__
#define __device__
static unsigned atomicAdd(unsigned* at, unsigned v) { unsigned old = *at; *at += v; return old; }
static unsigned atomicMin(unsigned* at, unsigned v) { unsigned old = *at; if (v < old) *at = v; return old; }
static unsigned atomicMax(unsigned* at, unsigned v) { unsigned old = *at; if (v > old) *at = v; return old; }
"""
RUNNER = """
extern "C" void run_{name}(unsigned thread, unsigned* table, unsigned* differing, unsigned* instruction) {{
  blockDim.x = {threads}; blockIdx.x = thread / {threads}; threadIdx.x = thread % {threads};
  {name}(table, differing, instruction);
}}
"""


def build(folder: Path, text: str | None = None, header: str | None = None) -> ctypes.CDLL:
    """Return the library of the sweep's kernels; text and header stand in for the sources of that role."""
    body = text or source(KERNELS)
    runners = [RUNNER.format(name=f"fos_sweep_{k}", threads=THREADS) for k in KERNEL_NAMES]
    (folder / "sweep.cpp").write_text(SHIM + body + "".join(runners), encoding="utf-8")
    write_texts(folder, numerics())
    (folder / PTX).write_text(header or source(PTX), encoding="utf-8")
    library = folder / "sweep.so"
    options = [o for o in OPTIONS if o != "-Werror"]
    command = ["g++", *options, *DEFINITIONS, str(folder / "sweep.cpp"), "-o", str(library)]
    subprocess.run(command, check=True, capture_output=True)
    return ctypes.CDLL(str(library))


def run(library: ctypes.CDLL, kind: str, patterns):
    """Return (table, differing) of the threads that meet the given patterns."""
    table, differing = empty_table(), np.zeros(20, dtype=np.uint32)
    flag = np.zeros(1, dtype=np.uint32)
    start(library, f"fos_sweep_{kind.lower()}", patterns, (table, differing, flag))
    assert flag[0] == 0
    return table, differing


def start(library: ctypes.CDLL, name: str, patterns, arguments) -> None:
    """Run the threads of one kernel that meet the given patterns."""
    for thread in sorted({p // RUN for p in patterns}):
        pointers = (ctypes.c_void_p(a.ctypes.data) for a in arguments)
        getattr(library, f"run_{name}")(ctypes.c_uint(thread), *pointers)
