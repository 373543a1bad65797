"""torch tensors at the door: bfloat16, gradients, strides, and the tensors that are refused."""

from __future__ import annotations

import numpy as np
import pytest

import fos_ref
from fos_ref.errors import DtypeError, FosError, ToolchainError
from fos_ref.verify import assert_bits_equal, check

torch = pytest.importorskip("torch", reason="torch is not installed: its tensors at the door are not tested")
from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: E402


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


# --- storage that is not there ------------------------------------------------------------------------


def released(x, values: int = 0):
    """Shrink the storage of a tensor, as FSDP does with a sharded parameter."""
    x = x.clone()  # NumPy's memory is not torch's to release
    x.untyped_storage().resize_(values * x.element_size())
    return x


Q, ONES = fos_ref.quantize(normal(16, 32).numpy()), torch.ones(16)
DOORS = {
    "quantize": lambda s: fos_ref.quantize(released(normal(16, 32), s)),
    "bfloat16": lambda s: fos_ref.quantize(released(normal(16, 32).bfloat16(), s)),
    "parameter": lambda s: fos_ref.quantize(torch.nn.Parameter(released(normal(16, 32), s))),
    "trace": lambda s: fos_ref.trace(released(normal(16, 32), s)),
    "exact_error": lambda s: fos_ref.exact_error(released(normal(16, 32), s), Q),
    "check, x": lambda s: check(released(normal(16, 32), s), Q.codes, Q.block_scales),
    "check, codes": lambda s: check(normal(16, 32), released(torch.tensor(Q.codes), s // 2), Q.block_scales),
    "check, scales": lambda s: check(
        normal(16, 32), Q.codes, released(torch.tensor(Q.block_scales).view(torch.float8_e4m3fn), s // 16)
    ),
    "check, amax": lambda s: check(
        normal(16, 32), Q.codes, Q.block_scales, amax=released(ONES[:1], s // 512)
    ),
    "amax": lambda s: fos_ref.quantize(normal(16, 32), "te-nvfp4-row", amax=released(ONES, s // 32)),
    "swizzle": lambda s: fos_ref.swizzle(released(torch.tensor(Q.block_scales), s // 16)),
    "unswizzle": lambda s: fos_ref.unswizzle(released(torch.zeros(512, dtype=torch.uint8), s), 16, 2),
    "assert_bits_equal": lambda s: assert_bits_equal(released(torch.tensor(Q.codes), s // 2), Q.codes),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("left", [0, 1, 511])
def test_a_released_storage_is_not_read(door, left):
    with pytest.raises(FosError, match="an array whose memory is there is allowed"):
        DOORS[door](left)


def test_a_view_is_held_to_what_it_reaches():
    x = normal(16, 32).clone()
    parts = x[:4], x[8:].t()[:16, :4], x[8:]
    x.untyped_storage().resize_(4 * 32 * 4)
    fos_ref.quantize(parts[0])
    for part in parts[1:]:
        with pytest.raises(DtypeError, match=r"its shape reaches .* bytes, its storage has 512"):
            fos_ref.quantize(part)


# --- tensors that are no plain ones -------------------------------------------------------------------


class Rude(torch.Tensor):
    """A subclass that raises whatever it is asked."""

    @classmethod
    def __torch_function__(cls, *_, **__):
        msg = "\x1b[31mno\nnever"
        raise KeyError(msg)


def fake():
    with FakeTensorMode():
        return torch.empty(4, 32)


@pytest.mark.filterwarnings("ignore")
def odd_tensors() -> dict:
    x = normal()
    return {
        "nested": torch.nested.nested_tensor([x, x]),
        "jagged": torch.nested.nested_tensor([x, x], layout=torch.jagged),
        "masked": torch.masked.masked_tensor(x, x > 0),
        "fake": fake(),
        "zero": torch._efficientzerotensor((4, 32)),
        "functional": torch._to_functional_tensor(x),
        "csr": x.to_sparse_csr(),
        "mkldnn": x.to_mkldnn() if torch.backends.mkldnn.is_available() else x.to_sparse(),
        "a rude subclass": x.as_subclass(Rude),
        "meta": x.to("meta"),
    }


CALLS = {
    "quantize": fos_ref.quantize,
    "trace": fos_ref.trace,
    "exact_error": lambda x: fos_ref.exact_error(x, Q),
    "check, x": lambda x: check(x, Q.codes, Q.block_scales),
    "check, codes": lambda x: check(normal(16, 32), x, Q.block_scales),
    "check, scales": lambda x: check(normal(16, 32), Q.codes, x),
    "amax": lambda x: fos_ref.quantize(normal(16, 32), amax=x),
    "tensor scale": lambda x: fos_ref.quantize(normal(16, 32), tensor_scale=x),
    "swizzle": fos_ref.swizzle,
    "unswizzle": lambda x: fos_ref.unswizzle(x, 4, 32),
    "assert_bits_equal": lambda x: assert_bits_equal(x, Q.codes),
}


def refused(call, x) -> None:
    with pytest.raises(FosError) as e:
        call(x)
    assert str(e.value).isprintable()
    assert len(str(e.value)) < 1000


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("call", CALLS)
def test_a_tensor_without_values_of_its_own_is_one_line(call):
    for x in odd_tensors().values():
        refused(CALLS[call], x)


def test_inside_vmap_and_grad_it_is_one_line():
    def inside(x):
        for call in CALLS.values():
            refused(call, x)
        return x.sum()

    torch.vmap(inside)(normal())
    torch.func.grad(inside)(normal())


@pytest.mark.parametrize("call", CALLS)
def test_no_tensor_of_another_kind_is_a_traceback(call):
    for dtype in (torch.float64, torch.int32, torch.bool, torch.complex64):
        refused(CALLS[call], torch.zeros(3, 16).to(dtype))


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
