"""All 2^32 float32 patterns through the conversions of a device: csrc/fos_sweep.cu, started once a format."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fos_gpu.build import nvrtc
from fos_gpu.build.cache import cached
from fos_gpu.build.lower import numerics, source
from fos_gpu.build.twins import DEFINITIONS, PTX
from fos_gpu.proof.runs import CLASSES, empty_table, FORMATS
from fos_ref.formats.arrays import U32

KERNELS = "fos_sweep.cu"
PATTERNS = 1 << 32
RUN, THREADS = 4096, 256  #: patterns of a thread, as in the source; threads of a block
INSTRUCTIONS = {"E2M1": "cvt.rn.satfinite.e2m1x2.f32", "E4M3": "cvt.rn.satfinite.e4m3x2.f32"}
NEEDS = {"E2M1": "sm_100a, sm_103a, sm_110a, sm_120a or sm_121a", "E4M3": "sm_89 or newer"}
#: entry -> the instruction that it holds where the architecture has it.
DECLARED = {f"fos_sweep_{kind.lower()}": (word,) for kind, word in INSTRUCTIONS.items()}


@dataclass(frozen=True, slots=True)
class Swept:
    """What a device gave for one format."""

    instruction: bool  #: whether the conversion was the instruction; else it was the twin
    table: U32  #: (3, GROUPS): the runs of the conversion
    differing: dict[str, int]  #: class of the operand -> codes in which conversion and twin differ


def options(arch: str) -> tuple[str, ...]:
    """Return NVRTC's options for an architecture such as sm_90."""
    return (f"-arch={arch}", *DEFINITIONS)


def compile_sweep(arch: str, text: str | None = None) -> tuple[bytes, str]:
    """Return (cubin, PTX) of the sweep, or of another text in its place."""
    headers = numerics() | {PTX: source(PTX)}
    return nvrtc.compile_source(text or source(KERNELS), headers, options(arch))


def cubin(arch: str, text: str | None = None) -> Path:
    """Return the cubin's file, from the cache where it was compiled before."""
    used = text or source(KERNELS)
    texts = (used, *numerics().values(), source(PTX))
    parts = (*texts, *options(arch), *nvrtc.ARITHMETIC, str(nvrtc.version()))
    return cached(parts, ".cubin", lambda path: _write(path, arch, used))


def _write(path: Path, arch: str, text: str) -> None:
    path.write_bytes(compile_sweep(arch, text)[0])


def sweep(kind: str, *, twin: bool = False, text: str | None = None) -> Swept:
    """Return what the current device gives for all patterns of one format.

    twin: the twin even where there is an instruction. text: another source in place of the sweep's.
    """
    assert kind in FORMATS
    cupy = importlib.import_module("cupy")
    arch = nvrtc.target(int(cupy.cuda.Device().compute_capability))
    table, differing, flag = _start(cupy, str(cubin(arch, text)), f"fos_sweep_{kind.lower()}{'_twin' * twin}")
    counts = differing.reshape(2, len(CLASSES)).sum(axis=0, dtype=np.int64)
    by_class = {name: int(n) for name, n in zip(CLASSES, counts, strict=True) if n}
    return Swept(instruction=bool(flag[0]), table=table, differing=by_class)


def _start(cupy: Any, path: str, name: str) -> tuple[U32, U32, U32]:
    """Run one kernel over every pattern; return its three outputs."""
    outputs = [empty_table(), np.zeros(2 * len(CLASSES), np.uint32), np.zeros(1, np.uint32)]
    on_device = [cupy.asarray(a) for a in outputs]
    kernel = cupy.RawModule(path=path).get_function(name)
    kernel((PATTERNS // (RUN * THREADS),), (THREADS,), tuple(on_device))
    table, differing, flag = (cupy.asnumpy(a) for a in on_device)
    return table, differing, flag
