"""The GPU that a figure was measured on, and the versions that it depends on."""

from __future__ import annotations

import importlib
import re
from typing import Any

from fos_gpu.build import nvrtc
from fos_gpu.build.probe import available


def card() -> dict[str, Any]:
    """Return the current device, its driver and the versions; empty where no kernel can run."""
    here = available()
    if not here:
        return {}
    cupy = importlib.import_module("cupy")
    driver = cupy.cuda.runtime.driverGetVersion()
    return {
        "device": here.reason,
        "driver's CUDA": f"{driver // 1000}.{driver % 1000 // 10}",
        "NVRTC": ".".join(map(str, nvrtc.version())),
        "CuPy": cupy.__version__,
    }


def slug(device: str) -> str:
    """Return a device's name for a file: NVIDIA H100 80GB HBM3 (sm_90), ... is nvidia-h100-80gb-hbm3."""
    return re.sub(r"[^a-z0-9]+", "-", device.split(" (", maxsplit=1)[0].lower()).strip("-")
