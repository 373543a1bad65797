"""NVIDIA's own conversions: cuda_fp4.h and cuda_fp8.h, their host side, compiled by g++ and called by ctypes.

The headers come from three small packages; no CUDA tool and no GPU is needed. On a GPU of compute capability
10 the same functions are one instruction (cvt.rn.satfinite.*), which is not run here.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from .base import installed, PeerMissing

VERSIONS = {
    "nvidia-cuda-runtime": "13.5.37",
    "nvidia-cuda-crt": "13.5.37",
    "nvidia-cuda-cccl": "13.3.5.0.6",
}
INCLUDE = "nvidia/cu13/include"
CALLS = {
    "E2M1": "__nv_cvt_float_to_fp4(x[i], __NV_E2M1, cudaRoundNearest)",
    "E4M3": "__nv_cvt_float_to_fp8(x[i], __NV_SATFINITE, __NV_E4M3)",
    "E8M0 upward": "__nv_cvt_float_to_e8m0(x[i], __NV_SATFINITE, cudaRoundPosInf)",
}


def symbol(fmt: str) -> str:
    return f"to_{fmt.lower().replace(' ', '_')}"


def source() -> str:
    loops = (
        f'extern "C" void {symbol(fmt)}(const float *x, unsigned char *out, long n)\n'
        f"{{ for (long i = 0; i < n; i++) out[i] = {call}; }}\n"
        for fmt, call in CALLS.items()
    )
    return "#include <cuda_fp4.h>\n#include <cuda_fp8.h>\n" + "".join(loops)


@cache
def _library(include: Path) -> ctypes.CDLL:
    with tempfile.TemporaryDirectory() as folder:
        cpp, library = Path(folder) / "conversions.cpp", Path(folder) / "conversions.so"
        cpp.write_text(source())
        command = [
            "g++",
            "-std=c++17",
            "-O2",
            "-shared",
            "-fPIC",
            f"-I{include}",
            str(cpp),
            "-o",
            str(library),
        ]
        subprocess.run(command, check=True)
        return ctypes.CDLL(str(library))


class CudaHeaders:
    name, version = "nvidia-cuda-runtime", VERSIONS["nvidia-cuda-runtime"]

    def load(self) -> ctypes.CDLL:
        found = [installed(name, version) for name, version in VERSIONS.items()]
        if shutil.which("g++") is None:
            msg = "g++ is not here: NVIDIA's headers cannot be compiled"
            raise PeerMissing(msg)
        return _library(Path(str(found[0].locate_file(INCLUDE))))

    def codes(self, fmt: str, x: np.ndarray) -> np.ndarray:
        x, out = np.ascontiguousarray(x, dtype=np.float32), np.empty(x.size, dtype=np.uint8)
        places = (ctypes.c_void_p(a.ctypes.data) for a in (x, out))
        getattr(self.load(), symbol(fmt))(*places, ctypes.c_long(x.size))
        return out
