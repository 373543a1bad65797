"""torch CPU tensors that pass for CUDA tensors: the door's way with torch, walked without a GPU."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from tests.gpu.emulation.device import device

__all__ = ["device"]
ALIGNED = 64


@pytest.fixture
def torch_device(device, monkeypatch):
    """Return what makes a tensor of a NumPy array's bits, taken for one on device 0."""
    torch = pytest.importorskip("torch", reason="torch is not installed: its tensors were not walked through")
    make = torch.empty
    monkeypatch.setattr(torch.Tensor, "is_cuda", property(lambda _: True))
    monkeypatch.setattr(torch.Tensor, "get_device", lambda _: 0)
    monkeypatch.setattr(torch.Tensor, "device", property(lambda _: SimpleNamespace(index=0)))
    monkeypatch.setattr(torch, "empty", lambda shape, *, dtype, device: _empty(make, shape, dtype, device))
    stream = SimpleNamespace(cuda_stream=99)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _: stream)
    monkeypatch.setattr(torch.Tensor, "cpu", torch.Tensor.clone)
    assert device
    assert "torch" in sys.modules

    def put(values: np.ndarray):
        words = np.ascontiguousarray(values)
        bits = words.view(f"i{words.dtype.itemsize}")
        out = make(bits.shape, dtype=getattr(torch, bits.dtype.name))
        out.copy_(torch.from_numpy(bits.copy()))
        return out.view(getattr(torch, words.dtype.name))

    return put


def _empty(make, shape, dtype, device):
    assert device == "cuda:0"
    return make(shape, dtype=dtype)
