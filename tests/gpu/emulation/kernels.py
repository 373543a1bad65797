"""A unit's kernel file built by g++ with cuda_on_host.h: the kernels' own text, run on the host."""

from __future__ import annotations

import ctypes
import re
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from fos_gpu.build.cache import cached
from fos_gpu.build.compiler import COMPILER, compiler_version, write_texts
from fos_gpu.build.host import ALWAYS
from fos_gpu.build.lower import source
from fos_ref.errors import ToolchainError
from tests.gpu.emulation import fake_cupy

SHIM = Path(__file__).with_name("cuda_on_host.h")
ENTRY = re.compile(r'extern "C" __global__ void(?:\s+__launch_bounds__\(\w+\))?\s+(\w+)\(')
LAUNCHER = """
extern "C" void launch_{name}(long long groups, int count, void** given) {{
  host_cuda::launch([] {{ host_cuda::call({name}); }}, groups, count, given);
}}
extern "C" void together_{name}(long long groups, int count, void** given) {{
  host_cuda::launch_together([] {{ host_cuda::call({name}); }}, groups, count, given);
}}
"""


def text_of(unit) -> str:
    """Return the unit's source with a launcher behind each kernel."""
    text = source(unit.source)
    names = ENTRY.findall("\n".join([text, *unit.headers.values()]))
    return text + "".join(LAUNCHER.format(name=name) for name in names)


def build(unit, options=("-O1",)) -> Path:
    """Return the shared library of a unit, from the cache where it has been built before."""
    arguments = (*ALWAYS, "-Wno-unknown-pragmas", *options, *unit.definitions)
    shim, text = SHIM.read_text(encoding="utf-8"), text_of(unit)
    parts = (text, shim, *unit.headers.values(), *arguments, compiler_version())

    def make(path: Path) -> None:
        with tempfile.TemporaryDirectory() as work:
            write_texts(Path(work), {**unit.headers, SHIM.name: shim, "unit.cpp": text})
            command = [COMPILER, *arguments, "-include", SHIM.name, "unit.cpp", "-o", str(path)]
            run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=work)
        if run.returncode:
            raise ToolchainError(run.stderr[:2000])

    return cached(parts, ".so", make)


@cache
def library(unit) -> ctypes.CDLL:
    return ctypes.CDLL(str(build(unit)))


@cache
def function(unit, name, *_):
    """Return a kernel as CuPy would: called with (groups,), (threads,) and its arguments."""
    launcher = getattr(library(unit), f"launch_{name}")
    launcher.restype = None

    def start(groups, threads, arguments) -> None:
        boxes = [np.array([a.ctypes.data], np.uint64) if a.ndim else np.array([a]) for a in arguments]
        given = (ctypes.c_void_p * len(boxes))(*(b.ctypes.data for b in boxes))
        launcher(ctypes.c_longlong(max(1, groups[0])), ctypes.c_int(threads[0]), given)

    pointer = ctypes.cast(launcher, ctypes.c_void_p).value
    together = ctypes.cast(getattr(library(unit), f"together_{name}"), ctypes.c_void_p).value
    fake_cupy.TOGETHER[pointer] = together
    start.kernel = SimpleNamespace(ptr=pointer)
    return start
