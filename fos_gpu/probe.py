"""Can a kernel run here? If not, the reason, and what to install or change."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from fos_gpu import nvrtc
from fos_ref.errors import ToolchainError

OLDEST = 80  #: compute capability 8.0: what the kernels are compiled for in the tests, and newer


@dataclass(frozen=True, slots=True)
class Availability:
    """The answer of `available()`: true or false, and why."""

    ok: bool
    reason: str

    def __bool__(self) -> bool:
        """Return whether a kernel can run."""
        return self.ok


def available() -> Availability:
    """Return whether CuPy, a CUDA device and NVRTC are at hand; never raises.

    The first thing that is missing is named with what to install or change.
    """
    try:
        cupy = importlib.import_module("cupy")
    except ImportError as e:
        return Availability(ok=False, reason=f"CuPy does not import ({e}): pip install 'fos-ref[gpu]'")
    if not cupy.cuda.is_available():
        return Availability(ok=False, reason="CuPy finds no CUDA device or no driver: check nvidia-smi")
    try:
        return _device(cupy, nvrtc.version(), nvrtc.architectures())
    except ToolchainError as e:
        return Availability(ok=False, reason=str(e))


def _device(cupy: Any, version: tuple[int, int], known: tuple[int, ...]) -> Availability:
    """Return whether the current device and its driver can run what this NVRTC compiles."""
    name = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"].decode()
    capability = int(cupy.cuda.Device().compute_capability)
    driver = cupy.cuda.runtime.driverGetVersion() // 1000
    if driver < version[0]:
        reason = f"the driver is for CUDA {driver}, NVRTC is {version[0]}.{version[1]}: update the driver"
        return Availability(ok=False, reason=reason)
    if capability < OLDEST or capability not in known:
        reason = f"{name} is sm_{capability}: NVRTC {version[0]}.{version[1]} and these kernels need one of "
        return Availability(ok=False, reason=reason + ", ".join(f"sm_{a}" for a in known if a >= OLDEST))
    return Availability(ok=True, reason=f"{name} (sm_{capability}), NVRTC {version[0]}.{version[1]}")
