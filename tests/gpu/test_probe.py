"""What is missing, in words: each thing that a kernel needs, taken away in turn."""

from __future__ import annotations

import importlib
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import fos_gpu
import fos_ref
from fos_gpu import nvrtc, probe
from fos_gpu.engine import CudaEngine
from fos_ref.errors import ToolchainError


def fake_cupy(*, device=True, capability="90", driver=13000):
    properties = {"name": b"Card"}
    runtime = SimpleNamespace(getDeviceProperties=lambda _: properties, driverGetVersion=lambda: driver)
    here = SimpleNamespace(id=0, compute_capability=capability)
    cuda = SimpleNamespace(is_available=lambda: device, runtime=runtime, Device=lambda: here)
    return SimpleNamespace(cuda=cuda)


@pytest.fixture
def place(monkeypatch):
    """Stand in for CuPy and for NVRTC 13.5."""

    def put(cupy):
        monkeypatch.setitem(sys.modules, "cupy", cupy)
        monkeypatch.setattr(nvrtc, "version", lambda: (13, 5))
        monkeypatch.setattr(nvrtc, "architectures", lambda: (75, 80, 90, 100, 120))

    return put


def test_a_card_that_can_run_is_named(place):
    place(fake_cupy())
    assert fos_gpu.available()
    assert fos_gpu.available().reason == "Card (sm_90), NVRTC 13.5"


@pytest.mark.parametrize(
    ("cupy", "says"),
    [
        (None, "pip install 'fos-ref[gpu]'"),
        (fake_cupy(device=False), "check nvidia-smi"),
        (fake_cupy(capability="75"), "Card is sm_75: NVRTC 13.5 and these kernels need one of sm_80, sm_90"),
        (fake_cupy(capability="110"), "Card is sm_110"),
        (fake_cupy(driver=12080), "the driver is for CUDA 12, NVRTC is 13.5: update the driver"),
    ],
)
def test_what_is_missing_is_said(place, cupy, says):
    place(cupy)
    assert not fos_gpu.available()
    assert says in fos_gpu.available().reason
    assert CudaEngine().refuses(fos_ref.recipe("4over6")) == fos_gpu.available().reason


def test_a_missing_nvrtc_is_said(place, monkeypatch):
    place(fake_cupy())

    def absent():
        raise ToolchainError(nvrtc.MISSING)

    monkeypatch.setattr(nvrtc, "version", absent)
    assert fos_gpu.available().reason == "NVRTC is not installed: pip install nvidia-cuda-nvrtc"


def test_a_recipe_without_kernels_is_refused(place):
    place(fake_cupy())
    assert CudaEngine().refuses(fos_ref.recipe("4over6")) is None
    assert "E8M0" in CudaEngine().refuses(fos_ref.recipe("fouroversix-mxfp4-static6"))


def test_the_public_call_raises_the_reason(place):
    place(None)
    with pytest.raises(
        ToolchainError, match=r"engine 'cuda' cannot run recipe '4over6': CuPy does not import"
    ):
        fos_ref.quantize(np.ones((1, 16), np.float32), engine="cuda")


def test_the_probe_imports_nothing_of_a_gpu_before_it_is_asked():
    assert "cupy" not in vars(importlib.import_module(probe.__name__))
