"""NVRTC through ctypes: CUDA C++ to a cubin, with the arithmetic that the recipes ask for, no GPU needed.

CuPy appends -ftz=true to what it compiles, which loses every subnormal. So kernels are compiled here, and
CuPy only loads the finished cubin.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from ctypes.util import find_library
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fos_ref.errors import ToolchainError

#: Every product, sum and quotient rounds once, to nearest even, and keeps its subnormals.
ARITHMETIC = ("--fmad=false", "-ftz=false", "-prec-div=true", "-prec-sqrt=true")
LANGUAGE = ("--std=c++17",)
NAMES = ("libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so")
FIRST_WITH_LETTER = 100  #: sm_100 lacks what sm_100a has: the conversion to E2M1
MISSING = "NVRTC is not installed: pip install nvidia-cuda-nvrtc"


def _candidates() -> Iterator[str]:
    """Yield where NVRTC may lie: in the wheels of NVIDIA, in a CUDA toolkit, wherever the loader looks."""
    spec = find_spec("nvidia")
    for base in spec.submodule_search_locations or () if spec else ():
        for pattern in ("*/lib/libnvrtc.so*", "*/lib/x86_64/libnvrtc.so*"):
            yield from sorted(map(str, Path(base).glob(pattern)), reverse=True)
    for variable in ("CUDA_HOME", "CUDA_PATH"):
        if variable in os.environ:
            yield from (str(Path(os.environ[variable], "lib64", name)) for name in NAMES)
    found = find_library("nvrtc")
    yield from (found,) if found else ()
    yield from NAMES
    yield from (str(Path("/usr/local/cuda/lib64", name)) for name in NAMES)


@cache
def library() -> ctypes.CDLL:
    """Return NVRTC, loaded once; ToolchainError where there is none."""
    tried = []
    for path in _candidates():
        try:
            return ctypes.CDLL(path)
        except OSError as e:
            tried.append(f"{path}: {e}")
    msg = f"{MISSING} ({tried[0]})" if tried else MISSING
    raise ToolchainError(msg)


@cache
def version() -> tuple[int, int]:
    """Return NVRTC's version."""
    major, minor = ctypes.c_int(), ctypes.c_int()
    _check(library().nvrtcVersion(ctypes.byref(major), ctypes.byref(minor)), "nvrtcVersion")
    return major.value, minor.value


@cache
def architectures() -> tuple[int, ...]:
    """Return the compute capabilities, as 90 for 9.0, that this NVRTC compiles for."""
    count = ctypes.c_int()
    _check(library().nvrtcGetNumSupportedArchs(ctypes.byref(count)), "nvrtcGetNumSupportedArchs")
    found = (ctypes.c_int * count.value)()
    _check(library().nvrtcGetSupportedArchs(found), "nvrtcGetSupportedArchs")
    return tuple(found)


def target(capability: int) -> str:
    """Return what to compile for on a device: from sm_100 on with the letter a, for its own instructions."""
    return f"sm_{capability}a" if capability >= FIRST_WITH_LETTER else f"sm_{capability}"


def compile_source(text: str, headers: dict[str, str], options: tuple[str, ...]) -> tuple[bytes, str]:
    """Return (cubin, PTX) of a CUDA C++ text; headers are the texts that it includes, by name.

    Raises: ToolchainError with NVRTC's own log where the text does not compile.
    """
    lib, program = library(), ctypes.c_void_p()
    names = (ctypes.c_char_p * len(headers))(*(n.encode() for n in headers))
    texts = (ctypes.c_char_p * len(headers))(*(t.encode() for t in headers.values()))
    created = lib.nvrtcCreateProgram(
        ctypes.byref(program), text.encode(), b"fos_kernels.cu", len(headers), texts, names
    )
    _check(created, "nvrtcCreateProgram")
    try:
        given = [o.encode() for o in (*LANGUAGE, *ARITHMETIC, *options)]
        code = lib.nvrtcCompileProgram(program, len(given), (ctypes.c_char_p * len(given))(*given))
        if code:
            log = _result(program, "ProgramLog").rstrip(b"\0").decode(errors="replace")
            msg = f"NVRTC {version()[0]}.{version()[1]} refuses {' '.join(options)}: {' '.join(log.split())}"
            raise ToolchainError(msg)
        return _result(program, "CUBIN"), _result(program, "PTX").rstrip(b"\0").decode()
    finally:
        lib.nvrtcDestroyProgram(ctypes.byref(program))


def _result(program: Any, what: str) -> bytes:
    """Return one output of a program: its cubin, its PTX or its log."""
    lib, size = library(), ctypes.c_size_t()
    _check(getattr(lib, f"nvrtcGet{what}Size")(program, ctypes.byref(size)), what)
    buffer = ctypes.create_string_buffer(size.value)
    _check(getattr(lib, f"nvrtcGet{what}")(program, buffer), what)
    return buffer.raw


def _check(code: int, what: str) -> None:
    if code:
        library().nvrtcGetErrorString.restype = ctypes.c_char_p
        text = library().nvrtcGetErrorString(code)
        msg = f"{what}: {text.decode(errors='replace') if text else code}"
        raise ToolchainError(msg)
