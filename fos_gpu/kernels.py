"""The kernels of a recipe as a cubin on disk, from the cache where they were compiled before."""

from __future__ import annotations

from pathlib import Path

from fos_gpu import nvrtc
from fos_gpu.cache import cached
from fos_gpu.lower import definitions, HEADER, source
from fos_ref.recipes.recipe import Recipe

KERNELS = "fos_kernels.cu"


def options(r: Recipe, dtype: str, arch: str) -> tuple[str, ...]:
    """Return NVRTC's options for a recipe, an input dtype by name and an architecture such as sm_90."""
    return (f"-arch={arch}", *definitions(r), f"-DFOS_INPUT={dtype}")


def compile_kernels(r: Recipe, dtype: str, arch: str) -> tuple[bytes, str]:
    """Return (cubin, PTX) of a recipe's kernels."""
    return nvrtc.compile_source(source(KERNELS), {HEADER: source(HEADER)}, options(r, dtype, arch))


def cubin(r: Recipe, dtype: str, arch: str) -> Path:
    """Return the cubin's file, by source, options, architecture and compiler version."""
    given = (*nvrtc.LANGUAGE, *nvrtc.ARITHMETIC, *options(r, dtype, arch))
    parts = (source(HEADER), source(KERNELS), *given, str(nvrtc.version()))
    return cached(parts, ".cubin", lambda path: _write(path, r, dtype, arch))


def _write(path: Path, r: Recipe, dtype: str, arch: str) -> None:
    path.write_bytes(compile_kernels(r, dtype, arch)[0])
