"""Fixtures that run the surface without a GPU: kernels by g++, NumPy arrays as device arrays."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from fos_gpu import front, launch, prepared, starting
from fos_gpu.build import modules
from fos_gpu.build.kernels import KERNELS
from fos_gpu.build.lower import definitions
from fos_gpu.training import stochastic
from tests.gpu.emulation import fake_cupy, kernels


def launch_quantize(r, dtype, x, scales, out) -> None:
    """Stand in for fos_gpu.engine's: the kernel that walks the recipe word for word."""
    unit = modules.Unit(KERNELS, (*definitions(r), f"-DFOS_INPUT={dtype.name}"))
    groups = -(-x.size // (r.block_cols * launch.THREADS))
    arguments = (x, np.int64(x.shape[0]), np.int64(x.shape[1]), scales, *out)
    starting.start(kernels.function(unit, "fos_quantize"), groups, launch.THREADS, arguments)


@pytest.fixture
def device(monkeypatch):
    """Install the stand-ins; return what puts a NumPy array on the device."""
    monkeypatch.setitem(sys.modules, "cupy", fake_cupy)
    monkeypatch.setattr(modules, "function", kernels.function)
    monkeypatch.setattr(front, "launch_quantize", launch_quantize)
    monkeypatch.setattr(front, "check_place", lambda *_: None)
    monkeypatch.setattr(stochastic, "check_place", lambda *_: None)
    monkeypatch.setattr(prepared, "check_place", lambda *_: None)
    monkeypatch.setattr(launch, "_capability", lambda _: 90)
    fake_cupy.allocations.clear()
    fake_cupy.CURRENT.streams.clear()
    fake_cupy.CURRENT.started.clear()
    yield fake_cupy.asarray
    fake_cupy.assert_guards_stand()
