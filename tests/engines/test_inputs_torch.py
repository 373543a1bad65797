"""torch tensors at the door: bfloat16, gradients, strides, and the tensors that are refused."""

from __future__ import annotations

import numpy as np
import pytest

import fos_ref
from fos_ref.errors import DtypeError, ToolchainError

torch = pytest.importorskip("torch", reason="torch is not installed: its tensors at the door are not tested")


def normal(*shape: int):
    x = np.random.Generator(np.random.Philox(2)).standard_normal(shape or (4, 32))
    return torch.from_numpy(x.astype(np.float32))


def bits_of(q) -> tuple:
    return q.codes.tobytes(), q.block_scales.tobytes(), q.tensor_amax.tobytes(), q.picked4.tobytes()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ["4over6", "te-mae-448", "fouroversix-mse"])
def test_a_tensor_gives_the_bits_of_its_values(dtype, name):
    x = normal().to(dtype)
    assert bits_of(fos_ref.quantize(x, name)) == bits_of(fos_ref.quantize(x.float().numpy(), name))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_gradients_are_left_behind(dtype):
    x = normal().to(dtype).requires_grad_()
    assert bits_of(fos_ref.quantize(x)) == bits_of(fos_ref.quantize(x.detach()))
    assert bits_of(fos_ref.quantize(torch.nn.Parameter(x.detach()))) == bits_of(fos_ref.quantize(x.detach()))
    assert x.requires_grad
    assert x.grad is None


STRIDES = {
    "transposed": lambda x: x.t()[:, :16],
    "sliced": lambda x: x[::2, ::2],
    "expanded": lambda x: x[:1].expand(16, 32),
    "negative": lambda x: torch.imag(torch.complex(x, x).conj()),
    "empty": lambda x: x[:0],
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("view", STRIDES.values(), ids=STRIDES)
def test_strides_do_not_matter(view, dtype):
    x = view(normal(16, 32)).to(dtype)
    again = x.resolve_neg().contiguous().clone()
    assert bits_of(fos_ref.quantize(x)) == bits_of(fos_ref.quantize(again))


@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.int32, torch.bool, torch.complex64, torch.float8_e4m3fn]
)
def test_other_dtypes_are_refused_by_name(dtype):
    with pytest.raises(DtypeError, match=f"dtype {dtype}: float32, float16 or bfloat16 is allowed"):
        fos_ref.quantize(torch.zeros(2, 16).to(dtype))


@pytest.mark.parametrize("make", [lambda x: x.to_sparse(), lambda x: x.to("meta")], ids=["sparse", "meta"])
def test_tensors_without_dense_data_are_refused(make):
    with pytest.raises(DtypeError, match="a dense tensor with data is allowed"):
        fos_ref.quantize(make(normal()))


def test_an_amax_may_be_a_tensor():
    x = normal()
    assert bits_of(fos_ref.quantize(x, amax=x.abs().max())) == bits_of(fos_ref.quantize(x))
    rows = x.abs().amax(dim=1)
    assert bits_of(fos_ref.quantize(x, "te-mse-256-row", amax=rows)) == bits_of(
        fos_ref.quantize(x, "te-mse-256-row")
    )


def test_flushing_subnormals_is_refused():
    if not torch.set_flush_denormal(True):
        pytest.skip("this CPU cannot flush subnormals")
    try:
        with pytest.raises(ToolchainError, match="set_flush_denormal"):
            fos_ref.quantize(normal())
    finally:
        torch.set_flush_denormal(False)
    fos_ref.quantize(normal())
