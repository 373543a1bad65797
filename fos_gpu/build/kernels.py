"""The kernels of a recipe as a cubin on disk, from the cache where they were compiled before."""

from __future__ import annotations

import os
from pathlib import Path

from fos_gpu.build import nvrtc
from fos_gpu.build.cache import cached
from fos_gpu.build.grid import tuning
from fos_gpu.build.lower import admitted, definitions, FILTER, FILTER_WORDS, numerics, source
from fos_gpu.build.ptx import Declared, FMA
from fos_ref.recipes.recipe import Recipe

KERNELS = "fos_kernels.cu"
FAST, FAST_TILES = "fos_fast.cuh", "fos_fast_tiles.cuh"
LAYOUT = "fos_layout.h"
#: What every kernel of the quantizer includes beside the header, along rows and along columns.
COMMON = (LAYOUT, "fos_ptx.cuh", "fos_device.cuh", "fos_block.cuh", "fos_largest.cuh")
WITH_FAST = "-DFOS_FAST=1"  #: the kernel of the fast path beside those of the recipe word for word
ENTRY, FAST_ENTRY = "fos_quantize", "fos_quantize_fast"
LEFT_OVER = "fos_left_over"  #: the function that the fast path calls for what it leaves to the recipe
SWITCH = "FOS_FAST"  #: an environment variable: 0 leaves every block to the recipe word for word
E4M3_PAIR, E2M1_PAIR = "cvt.rn.satfinite.e4m3x2.f32", "cvt.rn.satfinite.e2m1x2.f32"
#: N9 as that instruction has it: kHardwareElements of fos_ptx.cuh.
_HARDWARE = (
    "-DFOS_ELEMENT_FORMAT=e2m1",
    "-DFOS_ELEMENT_CAST=saturate",
    "-DFOS_ELEMENT_NAN=code_7",
    "-DFOS_ZERO_SIGN=sign_bit",
)
#: How the fast path finds the signs of negative values in inputs of 16 bits.
_NEGATIVES = "-DFOS_ZERO_SIGN=negative_values"
_SIGNS = {"-DFOS_INPUT=bfloat16": "add.rn.bf16x2", "-DFOS_INPUT=float16": "add.rn.f16x2"}
_BLACKWELL = 100  #: from this one on there is E2M1_PAIR, under a letter
_NEW = 89  #: from this compute capability on there is E4M3_PAIR; the fast path asks for it from 90 on


def fast_is_on() -> bool:
    """Return whether the fast path may be taken: it is not switched off."""
    return os.environ.get(SWITCH) != "0"


def has_fast(r: Recipe) -> bool:
    """Return whether a recipe is quantized by the fast path: admitted, and not switched off."""
    return fast_is_on() and admitted(r)


def headers(*, fast: bool) -> dict[str, str]:
    """Return the texts that the kernel file may include, by name."""
    more = (FILTER, FILTER_WORDS, FAST, FAST_TILES) if fast else ()
    return numerics() | {name: source(name) for name in (*COMMON, *more)}


def options(r: Recipe, dtype: str, arch: str) -> tuple[str, ...]:
    """Return NVRTC's options for a recipe, an input dtype by name and an architecture such as sm_90."""
    return (f"-arch={arch}", *definitions(r), f"-DFOS_INPUT={dtype}")


def fast_options(r: Recipe, dtype: str, arch: str) -> tuple[str, ...]:
    """Return the same with the fast path, tuned."""
    return (*options(r, dtype, arch), WITH_FAST, *tuning(r, dtype).definitions)


def declared(given: tuple[str, ...], arch: str, entries: tuple[str, str] = (ENTRY, FAST_ENTRY)) -> Declared:
    """Return what the PTX holds on purpose beyond what the recipe says. See fos_filter.h and fos_ptx.cuh.

    given: the -D options. entries: the kernel word for word, and that of the fast path.
    """
    cast = {E2M1_PAIR} if _casts_by_instruction(given, arch) else set()
    found = {entries[0]: cast}
    if WITH_FAST in given:
        found |= {LEFT_OVER: cast, entries[1]: _filter_words(given, arch)}
    return {name: words for name, words in found.items() if words}


def _casts_by_instruction(given: tuple[str, ...], arch: str) -> bool:
    """Return whether N9 under a recipe's -D options is an instruction that `arch` has."""
    return arch.endswith(("a", "f")) and _number(arch) >= _BLACKWELL and set(_HARDWARE) <= set(given)


def _filter_words(given: tuple[str, ...], arch: str) -> set[str]:
    if _number(arch) <= _NEW:
        return {FMA}
    signs = [_SIGNS[o] for o in given if o in _SIGNS] if _NEGATIVES in given else []
    return {FMA, E4M3_PAIR, *signs}


def _number(arch: str) -> int:
    return int(arch[3:].rstrip("af"))


def compile_kernels(r: Recipe, dtype: str, arch: str) -> tuple[bytes, str]:
    """Return (cubin, PTX) of a recipe's kernels, word for word."""
    return nvrtc.compile_source(source(KERNELS), headers(fast=False), options(r, dtype, arch))


def compile_fast(r: Recipe, dtype: str, arch: str) -> tuple[bytes, str]:
    """Return (cubin, PTX) of a recipe's kernels with the fast path."""
    return nvrtc.compile_source(source(KERNELS), headers(fast=True), fast_options(r, dtype, arch))


def cubin(r: Recipe, dtype: str, arch: str, *, fast: bool = False) -> Path:
    """Return the cubin's file, by source, options, architecture and compiler version."""
    own = fast_options(r, dtype, arch) if fast else options(r, dtype, arch)
    given = (*nvrtc.LANGUAGE, *nvrtc.ARITHMETIC, *own)
    texts = (source(KERNELS), *headers(fast=fast).values())

    def write(path: Path) -> None:
        made = compile_fast(r, dtype, arch) if fast else compile_kernels(r, dtype, arch)
        path.write_bytes(made[0])

    return cached((*texts, *given, str(nvrtc.version())), ".cubin", write)
