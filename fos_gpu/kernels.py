"""The kernels of a recipe as a cubin on disk, from the cache where they were compiled before."""

from __future__ import annotations

import os
from pathlib import Path

from fos_gpu import nvrtc
from fos_gpu.cache import cached
from fos_gpu.lower import admitted, definitions, FILTER, HEADER, INPUTS, source
from fos_gpu.ptx import Declared, FMA
from fos_ref.recipes.axes import ScaleFloor, ZeroSign
from fos_ref.recipes.recipe import Recipe

KERNELS = "fos_kernels.cu"
FAST = "fos_fast.cuh"
WITH_FAST = "-DFOS_FAST=1"  #: the kernel of the fast path beside those of the recipe word for word
FAST_ENTRY = "fos_quantize_fast"
SWITCH = "FOS_FAST"  #: an environment variable: 0 leaves every block to the recipe word for word
E4M3_PAIR = "cvt.rn.satfinite.e4m3x2.f32"
_NEW = 89  #: from this compute capability on there is E4M3_PAIR; the fast path asks for it from 90 on


def fast_is_on() -> bool:
    """Return whether the fast path may be taken: it is not switched off."""
    return os.environ.get(SWITCH) != "0"


def has_fast(r: Recipe) -> bool:
    """Return whether a recipe is quantized by the fast path: admitted, and not switched off."""
    return fast_is_on() and admitted(r)


def options(r: Recipe, dtype: str, arch: str) -> tuple[str, ...]:
    """Return NVRTC's options for a recipe, an input dtype by name and an architecture such as sm_90."""
    return (f"-arch={arch}", *definitions(r), f"-DFOS_INPUT={dtype}")


def declared(r: Recipe, dtype: str, arch: str) -> Declared:
    """Return what the fast kernel's PTX holds on purpose beyond what the recipe says. See fos_filter.h."""
    new = int(arch[3:].rstrip("af")) > _NEW
    words = {FMA} | ({E4M3_PAIR} if new and r.scale_floor is ScaleFloor.NONE else set())
    if new and dtype != INPUTS[0] and r.zero_sign is ZeroSign.NEGATIVE_VALUES:
        words.add("add.rn.bf16x2" if dtype == INPUTS[1] else "add.rn.f16x2")
    return {FAST_ENTRY: words}


def compile_kernels(r: Recipe, dtype: str, arch: str) -> tuple[bytes, str]:
    """Return (cubin, PTX) of a recipe's kernels, word for word."""
    return nvrtc.compile_source(source(KERNELS), {HEADER: source(HEADER)}, options(r, dtype, arch))


def compile_fast(r: Recipe, dtype: str, arch: str, knobs: tuple[str, ...] = ()) -> tuple[bytes, str]:
    """Return (cubin, PTX) of a recipe's kernels with the fast path; knobs: -D options of fos_fast.cuh."""
    texts = {name: source(name) for name in (HEADER, FILTER, FAST)}
    return nvrtc.compile_source(source(KERNELS), texts, (*options(r, dtype, arch), WITH_FAST, *knobs))


def cubin(r: Recipe, dtype: str, arch: str, *, fast: bool = False, knobs: tuple[str, ...] = ()) -> Path:
    """Return the cubin's file, by source, options, architecture and compiler version."""
    more = (WITH_FAST, *knobs) if fast else ()
    given = (*nvrtc.LANGUAGE, *nvrtc.ARITHMETIC, *options(r, dtype, arch), *more)
    texts = [source(name) for name in ((HEADER, KERNELS, FILTER, FAST) if fast else (HEADER, KERNELS))]

    def write(path: Path) -> None:
        made = compile_fast(r, dtype, arch, knobs) if fast else compile_kernels(r, dtype, arch)
        path.write_bytes(made[0])

    return cached((*texts, *given, str(nvrtc.version())), ".cubin", write)
