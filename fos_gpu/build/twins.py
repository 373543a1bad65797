"""The twins of the conversion instructions, csrc/fos_ptx.cuh, built by g++ and called through ctypes."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path

import numpy as np

from fos_gpu.build.cache import cached, load
from fos_gpu.build.compiler import compile_library, compiler_version
from fos_gpu.build.host import ALWAYS
from fos_gpu.build.lower import definitions, numerics, source
from fos_ref.formats.arrays import AnyArray, F32, U8
from fos_ref.recipes.catalog import PRESETS

PTX, LOOPS = "fos_ptx.cuh", "fos_twins.cpp"
SOURCES = (PTX, LOOPS)  #: the last one is compiled, it includes the others and the header
OPTIONS = (*ALWAYS, "-O3")
#: The twins have no recipe; the header wants one, and this one's elements are the instruction's.
DEFINITIONS = definitions(PRESETS["nvfp4"])


def build() -> Path:
    """Return the shared library of the twins, from the cache where it was built before."""
    texts, arguments = numerics() | {name: source(name) for name in SOURCES}, (*OPTIONS, *DEFINITIONS)
    parts = (*texts.values(), *arguments, compiler_version())
    return cached(parts, ".so", lambda path: compile_library(texts, arguments, path))


@cache
def _library() -> ctypes.CDLL:
    return load(build())


def codes(kind: str, x: F32, out: U8) -> None:
    """Write the codes of x (n,) float32 into out (n,); kind is E2M1 or E4M3."""
    _call(f"fos_twin_{kind.lower()}", x, out)


def pairs(kind: str, high: F32, low: F32) -> AnyArray:
    """Return two codes a word (n,), those of `high` in its high half: 8 bits of E2M1 or 16 of E4M3."""
    out = np.empty(low.size, dtype=np.uint16)
    _call(f"fos_pairs_{kind.lower()}", high, low, out)
    return out


def _call(name: str, *arrays: AnyArray) -> None:
    assert all(a.flags.c_contiguous and a.shape == arrays[0].shape for a in arrays)
    function = getattr(_library(), name)
    function.restype = None
    function(*(ctypes.c_void_p(a.ctypes.data) for a in arrays), ctypes.c_longlong(arrays[0].size))
