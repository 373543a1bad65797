"""Fixtures that run the surface without a GPU: kernels by g++, NumPy arrays as device arrays."""

from __future__ import annotations

import sys
from functools import cache

import numpy as np
import pytest

from fos_gpu import front, launch, modules
from fos_gpu.host import HostKernel
from fos_ref.model.trace import Scales
from tests.gpu.emulation import fake_cupy, kernels

host_kernel = cache(HostKernel)


def launch_quantize(r, dtype, x, scales, out) -> None:
    """Stand in for the kernel that fos_gpu.engine starts: the same header under g++."""
    amax, encode, decode = np.asarray(scales).view(np.float32)
    three = Scales(amax=amax, encode=encode, decode=decode, range_max=np.float32(0), dtype=dtype)
    found = host_kernel(r).quantize(np.asarray(x).view(dtype), three)
    for target, values in zip(out, found, strict=True):
        target[...] = values.view(np.uint8)


@pytest.fixture
def device(monkeypatch):
    """Install the stand-ins; return what puts a NumPy array on the device."""
    monkeypatch.setitem(sys.modules, "cupy", fake_cupy)
    monkeypatch.setattr(modules, "function", kernels.function)
    monkeypatch.setattr(front, "launch_quantize", launch_quantize)
    monkeypatch.setattr(front, "_check_place", lambda *_: None)
    monkeypatch.setattr(launch, "_capability", lambda _: 90)
    fake_cupy.allocations.clear()
    fake_cupy.CURRENT.streams.clear()
    yield fake_cupy.asarray
    fake_cupy.assert_guards_stand()
