"""Both frameworks on a real GPU: what puts a NumPy array there, and what a test needs to run at all."""

from __future__ import annotations

import importlib

import ml_dtypes
import numpy as np
import pytest

import fos_gpu

NEEDS_GPU = [
    pytest.mark.gpu,
    pytest.mark.skipif(not fos_gpu.available(), reason=f"no kernel ran: {fos_gpu.available().reason}"),
]


def cupy():
    return importlib.import_module("cupy")


def torch():
    return pytest.importorskip("torch", reason="torch is not installed: no torch tensor was quantized")


def to_cupy(x: np.ndarray):
    """Return a CuPy array of x's values, bfloat16 included."""
    words = cupy().asarray(np.ascontiguousarray(x).view(f"u{x.dtype.itemsize}"))
    return words.view(x.dtype)


def to_torch(x: np.ndarray):
    """Return a torch CUDA tensor of x's values, bfloat16 included."""
    t = torch()
    if not t.cuda.is_available():
        pytest.skip("this torch has no CUDA: no torch tensor was quantized")
    x = np.array(x, order="C")  # a 0-d array stays one
    if x.dtype == ml_dtypes.bfloat16:
        return t.from_numpy(x.view(np.int16)).cuda().view(t.bfloat16)
    return t.from_numpy(x).cuda()


PUTS = pytest.mark.parametrize("put", [to_cupy, to_torch], ids=["cupy", "torch"])
