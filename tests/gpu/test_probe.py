"""What is missing, in words: each thing that a kernel needs, taken away in turn."""

from __future__ import annotations

import importlib
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import fos_gpu
import fos_ref
from fos_gpu.build import lower, nvrtc, probe
from fos_gpu.engine import CudaEngine
from fos_ref.errors import ToolchainError


class CudaError(RuntimeError):
    """What CuPy raises: the name of CUDA's error and its text."""


def fake_cupy(*, count=1, error="", capability="90", driver=13000):
    def device_count():
        if error:
            raise CudaError(error)
        return count

    runtime = SimpleNamespace(
        CUDARuntimeError=CudaError,
        getDeviceCount=device_count,
        getDeviceProperties=lambda _: {"name": b"Card"},
        driverGetVersion=lambda: driver,
        runtimeGetVersion=lambda: 13020,
    )
    here = SimpleNamespace(id=0, compute_capability=capability)
    return SimpleNamespace(cuda=SimpleNamespace(runtime=runtime, Device=lambda: here))


OLD_DRIVER = "cudaErrorInsufficientDriver: CUDA driver version is insufficient for CUDA runtime version"
NO_DEVICE = "cudaErrorNoDevice: no CUDA-capable device is detected"


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
        (fake_cupy(error=OLD_DRIVER, driver=0), "no CUDA driver is loaded: install NVIDIA's driver"),
        (
            fake_cupy(error=OLD_DRIVER, driver=12080),
            "the driver is for CUDA 12.8, CuPy for CUDA 13.2: update the driver, or install cupy-cuda12x",
        ),
        (fake_cupy(error=NO_DEVICE), "CUDA finds no device: nvidia-smi lists those there are"),
        (fake_cupy(count=0), "CUDA_VISIBLE_DEVICES can hide them"),
        (fake_cupy(error="cudaErrorUnknown: unknown error\n..."), "CUDA does not start: cudaErrorUnknown"),
        (fake_cupy(capability="75"), "Card is sm_75: the kernels need sm_80 (Ampere) or newer"),
        (
            fake_cupy(capability="130"),
            "NVRTC 13.5 does not know: install a newer one (pip install -U nvidia-cuda-nvrtc)",
        ),
        (
            fake_cupy(driver=12080),
            "NVRTC 13.5 compiles: update the driver, or install nvidia-cuda-nvrtc-cu12 in place of",
        ),
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


def test_a_recipe_without_kernels_is_refused(place, monkeypatch):
    place(fake_cupy())
    assert CudaEngine().refuses(fos_ref.recipe("4over6")) is None
    found = lower.members() | {"tie": frozenset()}
    monkeypatch.setattr(lower, "members", lambda: found)
    assert CudaEngine().refuses(fos_ref.recipe("4over6")) == "no kernel for tie 'six'"


def test_the_public_call_raises_the_reason(place):
    place(None)
    with pytest.raises(
        ToolchainError, match=r"engine 'cuda' cannot run recipe '4over6': CuPy does not import"
    ):
        fos_ref.quantize(np.ones((1, 16), np.float32), engine="cuda")


def test_a_device_that_does_not_answer_is_said(place):
    def broken(_):
        msg = "cudaErrorDevicesUnavailable: CUDA-capable device(s) is/are busy"
        raise CudaError(msg)

    cupy = fake_cupy()
    cupy.cuda.runtime.getDeviceProperties = broken
    place(cupy)
    assert fos_gpu.available().reason.startswith("CUDA does not start: cudaErrorDevicesUnavailable")


def test_a_cupy_that_breaks_on_import_says_how(tmp_path, monkeypatch):
    (tmp_path / "cupy.py").write_text("raise ImportError('libcudart is not here\\nmore')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    assert fos_gpu.available().reason.startswith("CuPy does not import (libcudart is not here): pip install")


def test_the_probe_imports_nothing_of_a_gpu_before_it_is_asked():
    assert "cupy" not in vars(importlib.import_module(probe.__name__))
