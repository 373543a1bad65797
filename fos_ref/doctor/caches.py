"""Folders: compiled code, compiled kernels, golden vectors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path

from fos_ref.doctor.finding import Finding, found
from fos_ref.vectors.packaged import HERE, packaged

_MIB = 1 << 20
_PLACES = {
    "numba": ("fos_ref.fast.engine:kept_in", ".nb[ic]", "set NUMBA_CACHE_DIR to a folder of yours"),
    "kernels": ("fos_gpu.build.cache:folder", "", "set FOS_GPU_CACHE to a folder of yours"),
}


def caches() -> Iterator[Finding]:
    """Yield a finding for each folder."""
    for name, (home, pattern, helps) in _PLACES.items():
        yield found("cache", name, partial(_cache, name, home, pattern, helps), helps)
    yield found("cache", "golden", _golden, "fos golden write")


def _cache(name: str, home: str, pattern: str, helps: str) -> Finding:
    module, _, call = home.partition(":")
    folder = Path(getattr(import_module(module), call)())
    if not folder.is_dir():
        return Finding("cache", name, "later", f"{folder}: made when it is first used")
    sizes = [p.stat().st_size for p in folder.glob(f"*{pattern}") if p.is_file()]
    says = f"{folder}: {len(sizes):,} files, {sum(sizes) / _MIB:.1f} MiB"
    if not os.access(folder, os.W_OK | os.X_OK):
        return Finding("cache", name, "broken", f"{says}; it cannot be written", helps)
    return Finding("cache", name, "works", says)


def _golden() -> Finding:
    """Name the folder that `fos golden` reads where it is given none."""
    came = packaged()
    place = HERE.resolve() if HERE.is_dir() else came
    if place is None:
        return Finding("cache", "golden", "missing", "no golden vectors here", "fos golden write")
    return Finding("cache", "golden", "works", f"{place}: golden vectors")
