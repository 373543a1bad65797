"""Can a kernel run here? If not, the reason, and what to install or change."""

from __future__ import annotations

import importlib
from dataclasses import dataclass


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
        version = cupy.cuda.nvrtc.getVersion()
    except RuntimeError as e:
        return Availability(ok=False, reason=f"NVRTC does not load ({e}): pip install nvidia-cuda-nvrtc")
    name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    return Availability(ok=True, reason=f"{name}, NVRTC {version[0]}.{version[1]}; no kernel in this version")
