"""NVIDIA's own conversions: cuda_fp4.h and cuda_fp8.h, their host side, compiled by g++, called by ctypes.

The headers come from the packages nvidia-cuda-runtime, nvidia-cuda-crt and nvidia-cuda-cccl; no CUDA tool
and no GPU is needed, and nothing of them is part of this package. On a GPU of compute capability 10 the same
functions are one instruction (cvt.rn.satfinite.*), which is not run here.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, ExitStack
from functools import cache
from importlib.metadata import distribution, PackageNotFoundError
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fos_ref.errors import ToolchainError
from fos_ref.formats.arrays import AnyArray

PACKAGES = ("nvidia-cuda-runtime", "nvidia-cuda-crt", "nvidia-cuda-cccl")
INCLUDE = "nvidia/cu13/include"
HEADERS = ("cuda_fp4.h", "cuda_fp8.h")
_C_TYPES = {"float": np.float32, "unsigned char": np.uint8, "unsigned short": np.uint16}


class Call(NamedTuple):
    """One loop: out[i] = expression of x[i]."""

    takes: str
    gives: str
    expression: str


def _encode(takes: str, function: str, x: str, tail: str) -> Call:
    return Call(takes, "unsigned char", f"__nv_cvt_{function}({x}, {tail})")


_BF16, _HALF = "__nv_bfloat16_raw{x[i]}", "__half_raw{x[i]}"
_FP4, _FP8 = "__NV_E2M1, cudaRoundNearest", "__NV_SATFINITE, __NV_E4M3"
_FP8_NOSAT = "__NV_NOSAT, __NV_E4M3"
#: Overflow saturates but where NOSAT is said.
CALLS = {
    "E2M1": _encode("float", "float_to_fp4", "x[i]", _FP4),
    "E4M3": _encode("float", "float_to_fp8", "x[i]", _FP8),
    "E4M3 NOSAT": _encode("float", "float_to_fp8", "x[i]", _FP8_NOSAT),
    "E8M0 upward": _encode("float", "float_to_e8m0", "x[i]", "__NV_SATFINITE, cudaRoundPosInf"),
    "bfloat16 to E2M1": _encode("unsigned short", "bfloat16raw_to_fp4", _BF16, _FP4),
    "bfloat16 to E4M3": _encode("unsigned short", "bfloat16raw_to_fp8", _BF16, _FP8),
    "bfloat16 to E4M3 NOSAT": _encode("unsigned short", "bfloat16raw_to_fp8", _BF16, _FP8_NOSAT),
    "float16 to E2M1": _encode("unsigned short", "halfraw_to_fp4", _HALF, _FP4),
    "float16 to E4M3": _encode("unsigned short", "halfraw_to_fp8", _HALF, _FP8),
    "float16 to E4M3 NOSAT": _encode("unsigned short", "halfraw_to_fp8", _HALF, _FP8_NOSAT),
    "E2M1 to float16": Call(
        "unsigned char", "unsigned short", "__half_raw(__nv_cvt_fp4_to_halfraw(x[i], __NV_E2M1)).x"
    ),
    "E4M3 to float16": Call(
        "unsigned char", "unsigned short", "__half_raw(__nv_cvt_fp8_to_halfraw(x[i], __NV_E4M3)).x"
    ),
    "E8M0 to bfloat16": Call("unsigned char", "unsigned short", "__nv_cvt_e8m0_to_bf16raw(x[i]).x"),
}


def _symbol(name: str) -> str:
    return f"fos_{name.lower().replace(' ', '_')}"


def source() -> str:
    """Return the C++ text: one exported loop per entry of CALLS."""
    loops = (
        f'extern "C" void {_symbol(name)}(const {call.takes} *x, {call.gives} *out, long long n)\n'
        f"{{ for (long long i = 0; i < n; i++) out[i] = {call.expression}; }}\n"
        for name, call in CALLS.items()
    )
    return "".join(f"#include <{h}>\n" for h in HEADERS) + "".join(loops)


def include_folder() -> Path:
    """Return the folder of the installed headers; ToolchainError where they are not here."""
    try:
        folder = Path(str(distribution(PACKAGES[0]).locate_file(INCLUDE)))
    except PackageNotFoundError:
        msg = f"{PACKAGES[0]} is not installed: {' and '.join(HEADERS)} are needed"
        raise ToolchainError(msg) from None
    absent = [h for h in HEADERS if not (folder / h).is_file()]
    if absent:
        msg = f"{PACKAGES[0]} is installed without {absent[0]} under {INCLUDE}"
        raise ToolchainError(msg)
    return folder


@contextmanager
def compiled(include: Path | None = None) -> Iterator[Path]:
    """Yield the path of a library of all CALLS, gone afterwards; ToolchainError where it does not compile."""
    if shutil.which("g++") is None:
        msg = "g++ is not here: NVIDIA's headers cannot be compiled"
        raise ToolchainError(msg)
    folder = include or include_folder()
    with tempfile.TemporaryDirectory() as place:
        text, library = Path(place) / "conversions.cpp", Path(place) / "conversions.so"
        text.write_text(source(), encoding="utf-8")
        command = [
            "g++",
            "-std=c++17",
            "-O2",
            "-shared",
            "-fPIC",
            f"-I{folder}",
            str(text),
            "-o",
            str(library),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- fixed words
        if done.returncode:
            said = next((line for line in done.stderr.splitlines() if "error" in line), "no reason given")
            msg = f"g++ cannot compile {' and '.join(HEADERS)}: {said}"
            raise ToolchainError(msg)
        yield library


@contextmanager
def compiled_or_reason() -> Iterator[tuple[Path | None, str | None]]:
    """Yield (the library, None) or (None, why there is none)."""
    with ExitStack() as stack:
        try:
            library = stack.enter_context(compiled())
        except ToolchainError as reason:
            yield None, str(reason)
        else:
            yield library, None


@cache
def loaded(library: Path) -> ctypes.CDLL:
    """Return the library, loaded once per process."""
    return ctypes.CDLL(str(library))


def convert(library: Path, name: str, x: AnyArray) -> AnyArray:
    """Return the results of CALLS[name] for every value of `x`, in x's order and C type."""
    call = CALLS[name]
    values = np.ascontiguousarray(x, dtype=_C_TYPES[call.takes])
    out = np.empty(values.size, dtype=_C_TYPES[call.gives])
    places = (ctypes.c_void_p(a.ctypes.data) for a in (values, out))
    getattr(loaded(library), _symbol(name))(*places, ctypes.c_longlong(values.size))
    return out
