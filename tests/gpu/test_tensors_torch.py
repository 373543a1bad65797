"""torch tensors through the door, walked on the CPU: same memory, torch's own arrays back, torch's stream."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import fos_gpu
from fos_gpu.tensors import take
from fos_ref.errors import DtypeError, InputError, ShapeError
from fos_ref.inputs.distributions import make
from tests.gpu import surface
from tests.gpu.cases import BY_NAME, FEW
from tests.gpu.emulation import fake_cupy
from tests.gpu.emulation.torch_device import device, torch_device

torch = pytest.importorskip("torch", reason="torch is not installed: its tensors were not walked through")
pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None, reason="g++ is not installed: no kernel was run on the host"
)
__all__ = ["device", "torch_device"]
R, BY_ROW = BY_NAME[FEW[0]], BY_NAME[FEW[3]]


def test_quantize_and_back(torch_device):
    x = make("normal", (64, 48), 1, "bfloat16")
    for columnwise, layout in ((False, "swizzled"), (True, "linear")):
        surface.check_quantize(torch_device, x, R, columnwise=columnwise, layout=layout)
    surface.check_dequantize(torch_device, x, R, "bfloat16")
    surface.check_errors(torch_device, x, R)
    surface.check_given_amax(torch_device, make("normal", (32, 64), 3, "float16"), BY_ROW)


def test_the_arrays_are_torch_s_own(torch_device):
    q = fos_gpu.quantize(torch_device(make("normal", (16, 32), 1, "bfloat16")), R)
    assert (q.codes.dtype, q.picked4.dtype) == (torch.uint8, torch.bool)
    assert q.tensor_amax.dtype == torch.float32
    assert fos_gpu.dequantize(q, torch.bfloat16).dtype == torch.bfloat16
    assert q.place.framework == "torch"


def test_the_input_s_memory_is_the_input_s(torch_device):
    x = torch_device(make("normal", (16, 32), 1, "bfloat16"))
    before = take(x).words((16, 32))
    x.view(torch.int16)[3, 4] = 77
    assert before[3, 4] == 77
    assert take(x).address == x.data_ptr()


def test_kernels_go_to_torch_s_stream(torch_device):
    fos_gpu.quantize(torch_device(make("normal", (16, 32), 1, "bfloat16")), R)
    assert fake_cupy.CURRENT.streams == [99]


def test_gradients_are_left_behind(torch_device):
    values = make("normal", (16, 32), 1, "bfloat16")
    x = torch_device(values).requires_grad_()
    surface.assert_same_tensor(fos_gpu.quantize(x, R).to_host(), surface.model(values, R))


def test_views_that_are_refused(torch_device):
    x = torch_device(np.ones((32, 32), np.float32))
    for view in (x.t()[:16], x[:1].expand(16, 32), x[:, :16], torch.imag(torch.complex(x, x).conj())):
        with pytest.raises(InputError, match="x is not contiguous"):
            fos_gpu.quantize(view, R)
    with pytest.raises(DtypeError, match="x has dtype float64"):
        fos_gpu.quantize(x.double(), R)


def test_a_tensor_in_host_memory_is_refused(device):
    assert device
    with pytest.raises(
        DtypeError, match=r"x is a torch tensor on cpu with layout torch\.strided: a dense CUDA"
    ):
        fos_gpu.quantize(torch.ones(16, 32), R)


def test_a_prepared_call_takes_torch_s_tensors_and_stream(torch_device):
    x = make("normal", (16, 64), 1, "bfloat16")
    call = fos_gpu.prepare(FEW[0], x.shape, "bfloat16", like=torch_device(x))
    surface.check_prepared(torch_device, call, x)
    assert {stream for _, _, stream in fake_cupy.CURRENT.started} == {99}
    with pytest.raises(ShapeError, match="the call was prepared for"):
        call(torch_device(x.reshape(32, 32)))
    with pytest.raises(InputError, match="not contiguous"):
        call(torch_device(np.ascontiguousarray(x.T)).T)
