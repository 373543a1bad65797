"""NVIDIA's own conversions, cuda_fp4.h and cuda_fp8.h compiled by g++, at the versions compared with.

The compiling and calling is that of fos_ref.proof.sweeps.header. On a GPU of compute capability 10 the same
functions are one instruction (cvt.rn.satfinite.*), which is not run here.
"""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

import numpy as np

from fos_ref.proof.sweeps.header import compiled, convert, INCLUDE, loaded

from .base import installed, PeerMissing

VERSIONS = {
    "nvidia-cuda-runtime": "13.5.37",
    "nvidia-cuda-crt": "13.5.37",
    "nvidia-cuda-cccl": "13.3.5.0.6",
}


@cache
def _library(include: Path) -> Path:
    with compiled(include) as library:
        loaded(library)  # stays in this process; its file may go
    return library


class CudaHeaders:
    name, version = "nvidia-cuda-runtime", VERSIONS["nvidia-cuda-runtime"]

    def load(self) -> Path:
        found = [installed(name, version) for name, version in VERSIONS.items()]
        if shutil.which("g++") is None:
            msg = "g++ is not here: NVIDIA's headers cannot be compiled"
            raise PeerMissing(msg)
        return _library(Path(str(found[0].locate_file(INCLUDE))))

    def codes(self, fmt: str, x: np.ndarray) -> np.ndarray:
        return convert(self.load(), fmt, x)
