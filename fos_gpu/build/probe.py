"""Whether a kernel can run here; if not, the reason, and what to install or change."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from fos_gpu.build import nvrtc
from fos_ref.errors import ToolchainError

OLDEST = 80  #: compute capability 8.0: what the kernels are compiled for in the tests, and newer


@dataclass(frozen=True, slots=True)
class Availability:
    """The answer of `available()`: true if a kernel can run; `reason` says on what, or why not."""

    ok: bool
    reason: str

    def __bool__(self) -> bool:
        """Return whether a kernel can run."""
        return self.ok


def available() -> Availability:
    """Return whether CuPy, a CUDA device and NVRTC are there and fit together. It never raises.

    The answer names the first thing that is missing, and what to install or change.
    """
    try:
        cupy = importlib.import_module("cupy")
    except ImportError as e:
        return _no(f"CuPy does not import ({_first_line(e)}): pip install 'fos-ref[gpu]'")
    missing = _missing_device(cupy)
    if missing:
        return _no(missing)
    try:
        return _device(cupy, nvrtc.version(), nvrtc.architectures())
    except ToolchainError as e:
        return _no(str(e))
    except cupy.cuda.runtime.CUDARuntimeError as e:
        return _no(_does_not_start(e))


def _missing_device(cupy: Any) -> str:
    """Return why CUDA shows no device here, "" if it shows one."""
    runtime = cupy.cuda.runtime
    try:
        if runtime.getDeviceCount() > 0:
            return ""
    except runtime.CUDARuntimeError as e:
        driver, needed = runtime.driverGetVersion(), runtime.runtimeGetVersion()
        if driver == 0:
            return "no CUDA driver is loaded: install NVIDIA's driver; nvidia-smi shows the devices it sees"
        if driver // 1000 < needed // 1000:
            versions = f"the driver is for CUDA {release(driver)}, CuPy for CUDA {release(needed)}"
            return f"{versions}: update the driver, or install cupy-cuda{driver // 1000}x"
        if "NoDevice" not in str(e):
            return _does_not_start(e)
    return "CUDA finds no device: nvidia-smi lists those there are, CUDA_VISIBLE_DEVICES can hide them"


def _device(cupy: Any, version: tuple[int, int], known: tuple[int, ...]) -> Availability:
    """Return whether the current device and its driver can run what this NVRTC compiles."""
    name = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"].decode()
    capability = int(cupy.cuda.Device().compute_capability)
    driver = cupy.cuda.runtime.driverGetVersion()
    compiler = f"NVRTC {version[0]}.{version[1]}"
    if driver // 1000 < version[0]:
        older = f"nvidia-cuda-nvrtc-cu{driver // 1000}"
        return _no(
            f"the driver is for CUDA {release(driver)}, which loads nothing that {compiler} compiles: "
            f"update the driver, or install {older} in place of nvidia-cuda-nvrtc"
        )
    if capability < OLDEST:
        return _no(f"{name} is sm_{capability}: the kernels need sm_{OLDEST} (Ampere) or newer")
    if capability not in known:
        return _no(
            f"{name} is sm_{capability}, which {compiler} does not know: "
            "install a newer one (pip install -U nvidia-cuda-nvrtc)"
        )
    return Availability(ok=True, reason=f"{name} (sm_{capability}), {compiler}")


def release(version: int) -> str:
    """Return CUDA's number of a version as text: 13020 is 13.2."""
    return f"{version // 1000}.{version % 1000 // 10}"


def _no(reason: str) -> Availability:
    return Availability(ok=False, reason=reason)


def _does_not_start(e: Exception) -> str:
    return f"CUDA does not start: {_first_line(e)}; nvidia-smi shows whether driver and device are well"


def _first_line(e: Exception) -> str:
    return next(iter(str(e).strip().splitlines()), type(e).__name__)
