"""What the door for device arrays refuses, each with one error that says what to change. No GPU is needed."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import fos_gpu
from fos_gpu import front, tensors
from fos_ref.errors import DtypeError, InputError, ShapeError, ToolchainError
from tests.gpu.cases import BY_NAME, FEW
from tests.gpu.emulation import fake_cupy
from tests.gpu.emulation.device import device

__all__ = ["device"]
FULL, BROKEN = ("tried to allocate 9 bytes",), ("CUDA_ERROR_ILLEGAL_ADDRESS",)
R, BY_ROW = BY_NAME[FEW[0]], BY_NAME[FEW[3]]


@pytest.fixture
def idle(device, monkeypatch):
    """No kernel is started: what is refused is refused before."""
    monkeypatch.setattr(fos_gpu.front, "fill_scales", lambda *_, **__: None)
    monkeypatch.setattr(fos_gpu.front, "fill", lambda *_, **__: None)
    return device


def ones(shape=(16, 32), dtype=np.float32):
    return np.ones(shape, dtype)


def test_an_array_that_is_not_contiguous(idle):
    with pytest.raises(InputError, match=r"x is not contiguous \(strides \(1, 32\)\).*columnwise=True"):
        fos_gpu.quantize(idle(ones()).T, R)
    with pytest.raises(InputError, match=r"strides \(64, 1\)"):
        fos_gpu.quantize(idle(ones((16, 64)))[:, :32], R)


def test_an_array_that_is_not_aligned(idle):
    shifted = idle(ones(513))[1:].reshape(16, 32)
    with pytest.raises(InputError, match=r"x starts at 0x[0-9a-f]+: a multiple of 16 bytes is allowed"):
        fos_gpu.quantize(shifted, R)


def test_an_array_on_another_device(idle, monkeypatch):
    x = idle(ones())
    monkeypatch.setattr(fake_cupy.CURRENT, "device", 1)
    with pytest.raises(
        InputError, match=r"device 0, the current device is 1: use `with cupy.cuda.Device\(0\)"
    ):
        fos_gpu.quantize(x, R)


def test_an_array_in_host_memory(idle):
    assert idle
    with pytest.raises(DtypeError, match=r"x is a ndarray: a CuPy array.*takes arrays in host memory"):
        fos_gpu.quantize(ones(), R)
    with pytest.raises(DtypeError, match="x is a list"):
        fos_gpu.quantize([1.0], R)


def test_another_dtype(idle):
    with pytest.raises(DtypeError, match="x has dtype float64: float32, float16 or bfloat16 is allowed"):
        fos_gpu.quantize(idle(ones(dtype=np.float64)), R)
    q = fos_gpu.quantize(idle(ones()), R)
    for wrong in (np.float64, "float8", object, np.uint8):
        with pytest.raises(DtypeError, match="float32, float16 or bfloat16 is allowed"):
            fos_gpu.dequantize(q, wrong)


def test_blocks_that_do_not_fit(idle):
    with pytest.raises(ShapeError, match="the last axis must be a multiple of 16"):
        fos_gpu.quantize(idle(ones((16, 24))), R)
    with pytest.raises(ShapeError, match="the last axis must be a multiple of 16"):
        fos_gpu.quantize(idle(ones((24, 16))), R, columnwise=True)
    with pytest.raises(ShapeError, match=r"columnwise takes a matrix \(R, C\)"):
        fos_gpu.quantize(idle(ones((2, 16, 16))), R, columnwise=True)


@pytest.mark.parametrize(
    ("r", "given", "error", "says"),
    [
        (R, {"amax": -1.0}, InputError, "values of 0 and above are allowed"),
        (R, {"amax": [1.0, 2.0]}, ShapeError, r"amax of shape \(2,\)"),
        (BY_ROW, {"amax": 1.0}, ShapeError, r"takes one per row, shape \(16,\)"),
        (R, {"amax": 1.0, "tensor_scale": 1.0}, InputError, "amax and tensor scale were given"),
        (R, {"tensor_scale": 0.0}, InputError, "one positive normal float32"),
        (R, {"scale_layout": "zigzag"}, InputError, r"one of linear, swizzled is allowed"),
        (R, {"out": 3}, DtypeError, "out is a int"),
    ],
)
def test_an_argument_out_of_its_domain(idle, r, given, error, says):
    with pytest.raises(error, match=says):
        fos_gpu.quantize(idle(ones()), r, **given)


@pytest.mark.parametrize(
    ("values", "error", "says"),
    [
        (np.ones(2, np.float32), ShapeError, r"amax of shape \(2,\): \(\) is allowed"),
        (np.ones((), np.float64), DtypeError, "amax is float64 on .*: float32 on .* is allowed"),
    ],
)
def test_an_amax_on_the_device(device, values, error, says):
    with pytest.raises(error, match=says):
        fos_gpu.quantize(device(ones()), R, amax=device(values))
    with pytest.raises(InputError, match="amax and tensor scale were given"):
        fos_gpu.quantize(device(ones()), R, amax=device(values), tensor_scale=1.0)


def test_results_of_another_call(idle):
    x = idle(ones((32, 32)))
    q = fos_gpu.quantize(x, R)
    for given in (
        {"recipe": BY_ROW},
        {"scale_layout": "swizzled"},
        {"columnwise": True},
        {"x": idle(ones((16, 32)))},
        {"x": idle(ones((32, 32), np.float16))},
    ):
        with pytest.raises(InputError, match=r"out was made for .*: this call needs"):
            fos_gpu.quantize(**{"x": x, "recipe": R, "out": q, **given})
    with pytest.raises(InputError, match=r"out is float32 .*: float16 .* is allowed"):
        fos_gpu.dequantize(q, "float16", out=idle(ones((32, 32))))
    with pytest.raises(ShapeError, match=r"x of shape \(16, 32\): q was made from \(32, 32\)"):
        fos_gpu.errors(idle(ones((16, 32))), q)


def test_memory_that_runs_out(device, monkeypatch):
    def full(*_):
        raise fake_cupy.OutOfMemoryError(*FULL)

    x = device(ones())
    monkeypatch.setattr(front, "empty", full)
    with pytest.raises(ToolchainError, match=r"a float32 tensor of shape \(16, 32\) does not fit.*9 bytes"):
        fos_gpu.quantize(x, R)


def test_a_failure_of_cuda(device, monkeypatch):
    def broken(*_, **__):
        raise fake_cupy.CUDADriverError(*BROKEN)

    monkeypatch.setattr(front, "fill", broken)
    monkeypatch.setattr(front, "fill_scales", lambda *_, **__: None)
    with pytest.raises(ToolchainError, match=r"CUDA failed on a float32 tensor of shape .*ILLEGAL_ADDRESS$"):
        fos_gpu.quantize(device(ones()), R)
    monkeypatch.setattr(fake_cupy.Stream, "is_capturing", lambda _: True)
    with pytest.raises(ToolchainError, match=r"before a graph is captured, make the same call once$"):
        fos_gpu.quantize(device(ones()), R)


def test_a_wait_in_a_capture_and_no_other_runtime_error(device, monkeypatch):
    """CuPy refuses a copy to the host with a plain RuntimeError."""

    def waits(*_, **__):
        msg = "the current stream is capturing, so D2H transfers are disallowed"
        raise RuntimeError(msg)

    monkeypatch.setattr(front, "fill_scales", waits)
    with pytest.raises(RuntimeError, match=r"^the current stream"):
        fos_gpu.quantize(device(ones()), R, check=True)
    monkeypatch.setattr(fake_cupy.Stream, "is_capturing", lambda _: True)
    with pytest.raises(ToolchainError, match="a graph that is captured takes no check"):
        fos_gpu.quantize(device(ones()), R, check=True)


def test_cupy_that_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(ToolchainError, match=r"CuPy does not import .*pip install 'fos-ref\[gpu\]'"):
        fos_gpu.quantize(ones(), R)
    assert not tensors.is_on_device(ones())


def test_a_recipe_without_kernels(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", fake_cupy)
    monkeypatch.setattr(front, "available", lambda: fos_gpu.Availability(ok=True, reason=""))
    front._refusal.cache_clear()
    with pytest.raises(
        ToolchainError, match=r"cannot run recipe 'llmcompressor-expanded-mse': no kernel for"
    ):
        fos_gpu.quantize(fake_cupy.asarray(ones()), "llmcompressor-expanded-mse")
    monkeypatch.setattr(front, "available", lambda: fos_gpu.Availability(ok=False, reason="no driver"))
    with pytest.raises(ToolchainError, match=r"cannot run recipe '4over6': no driver"):
        fos_gpu.quantize(fake_cupy.asarray(ones()), "4over6")
