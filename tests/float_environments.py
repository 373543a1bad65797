"""Set the float environment of this thread, as other libraries do, and set it back: no library is needed."""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

#: What ToolchainError says of each -> bits of MXCSR: flush to zero, denormals are zero, the rounding mode.
STATES = {
    "flush to zero": (0x8000, "flushes subnormal floats to zero"),
    "denormals are zero": (0x0040, "flushes subnormal floats to zero"),
    "both, as torch does": (0x8040, "flushes subnormal floats to zero"),
    "downward": (0x2000, "rounds floats downward, not to nearest"),
    "upward": (0x4000, "rounds floats upward, not to nearest"),
    "toward zero": (0x6000, "rounds floats toward zero, not to nearest"),
    "flush and upward": (0xC040, "flushes subnormal floats to zero .* and rounds floats upward"),
}
MODES = {"downward": 0x400, "upward": 0x800, "toward zero": 0xC00}  #: of fesetround on x86
MXCSR = slice(28, 32)  #: of fenv_t in the C library of x86-64 Linux
FENV_BYTES = 32


@contextmanager
def state(name: str) -> Iterator[None]:
    """Put this thread into one of STATES."""
    libm = _libm()
    saved, changed = (ctypes.create_string_buffer(FENV_BYTES) for _ in range(2))
    libm.fegetenv(saved)
    libm.fegetenv(changed)
    bits = int.from_bytes(changed[MXCSR], "little") | STATES[name][0]
    changed[MXCSR] = bits.to_bytes(4, "little")
    libm.fesetenv(changed)
    try:
        yield
    finally:
        libm.fesetenv(saved)


@contextmanager
def rounding(name: str) -> Iterator[None]:
    """Put this thread into one of MODES by the C library's own call: the x87 unit too."""
    libm = _libm()
    before = libm.fegetround()
    libm.fesetround(MODES[name])
    try:
        yield
    finally:
        libm.fesetround(before)


def _libm() -> ctypes.CDLL:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        pytest.skip("knows the floating-point environment of x86-64 Linux only")
    return ctypes.CDLL("libm.so.6")
