"""CuPy arrays and torch tensors on a GPU: the model's bits, no copy, the caller's stream, CUDA graphs."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fos_gpu
import fos_ref
from fos_gpu.tensors import take, to_numpy
from fos_ref.errors import DtypeError, InputError, ToolchainError
from fos_ref.inputs import strategies as fos
from fos_ref.inputs.distributions import make
from tests.gpu import surface
from tests.gpu.cases import BY_NAME, FEW, inputs, TILES
from tests.gpu.on_device import cupy, NEEDS_GPU, PUTS, to_cupy, to_torch, torch

pytestmark = NEEDS_GPU
R, BY_ROW = BY_NAME[FEW[0]], BY_NAME[FEW[3]]
#: One block, a tail of a thread block, many rows, whole thread blocks and a rest.
ODD = ((1, 16), (7, 48), (129, 16), (3, 4096), (128, 2064))


def assign(x, values) -> None:
    """Copy on the current stream; as words, which every CuPy can copy."""
    x.view(np.uint16)[...] = values.view(np.uint16)


@PUTS
@pytest.mark.parametrize("layout", ["linear", "swizzled"])
@pytest.mark.parametrize("name", [*FEW, *TILES])
def test_every_input(put, name, layout):
    r = BY_NAME[name]
    for _, x in inputs():
        if surface.fits(x, r, columnwise=False):
            surface.check_quantize(put, x, r, layout=layout)
            surface.check_amax(put, x, r)


@PUTS
@pytest.mark.parametrize("dtype", list(surface.NUMPY))
@pytest.mark.parametrize("r", [R, BY_ROW], ids=lambda r: r.name)
def test_odd_shapes(put, r, dtype):
    for shape in ODD:
        x = make("normal", shape, 3, dtype)
        surface.check_quantize(put, x, r, layout="swizzled")
        surface.check_given_amax(put, x, r)


@given(st.data(), st.sampled_from([*FEW, *TILES]), st.sampled_from(list(surface.NUMPY)))
@settings(max_examples=150)
def test_the_shipped_strategies(data, name, dtype):
    r = BY_NAME[name]
    x = data.draw(fos.matrices(r, dtype=dtype, shape=(2, 3)))
    surface.check_quantize(to_cupy, x, r)


@PUTS
def test_leading_axes_and_empty_tensors(put):
    x = make("normal", (32, 64), 7, "bfloat16").reshape(2, 4, 4, 64)
    q = fos_gpu.quantize(put(x), R)
    surface.assert_same_tensor(q.to_host(), fos_ref.quantize(x, R, engine="numpy"))
    for shape in ((0, 16), (4, 0)):
        empty = np.zeros(shape, surface.NUMPY["bfloat16"])
        surface.check_quantize(put, empty, R, layout="swizzled")
        surface.check_errors(put, empty, R)


@PUTS
def test_the_arrays_are_the_framework_s_own_and_the_input_is_not_copied(put):
    x = put(make("normal", (64, 128), 1, "bfloat16"))
    q = fos_gpu.quantize(x, R)
    for array in (q.codes, q.block_scales, q.picked4, q.tensor_amax, fos_gpu.dequantize(q, "bfloat16")):
        assert type(array) is type(x)
    address = x.data.ptr if put is to_cupy else x.data_ptr()
    assert take(x).words((64, 128)).data.ptr == address


class Dlpack:
    """An array of a framework that the package does not know: DLPack is all it offers."""

    def __init__(self, own):
        self.own = own

    def __dlpack__(self, **given):
        return self.own.__dlpack__(**given)

    def __dlpack_device__(self):
        return self.own.__dlpack_device__()


class ArrayInterface:
    """The same with the CUDA array interface."""

    def __init__(self, own):
        self.__cuda_array_interface__ = own.__cuda_array_interface__
        self.own = own


@pytest.mark.parametrize("kind", [Dlpack, ArrayInterface])
def test_other_frameworks(kind):
    values = make("normal", (32, 128), 1, "float16")
    x = to_cupy(values)
    q = fos_gpu.quantize(kind(x), R)
    assert type(q.codes) is type(x)
    assert take(kind(x)).address == x.data.ptr
    surface.assert_same_tensor(q.to_host(), surface.model(values, R))


def test_memory_of_cupy_does_not_grow_for_the_input():
    x = to_cupy(make("normal", (1024, 4096), 1, "bfloat16"))
    fos_gpu.quantize(x, R)
    pool = cupy().get_default_memory_pool()
    before = pool.used_bytes()
    q = fos_gpu.quantize(x, R)
    blocks = 1024 * 4096 // 16
    assert q.codes.nbytes == 8 * blocks
    assert pool.used_bytes() - before < 11 * blocks  # codes, scales, choices; the input alone has 32 * blocks


@pytest.mark.parametrize("poison", [0xA5, 0x5A])
@pytest.mark.parametrize("layout", ["linear", "swizzled"])
@pytest.mark.parametrize("name", [*FEW, *TILES])
def test_every_byte_of_the_results_is_written(name, layout, poison):
    x, r = make("normal", (48, 144), 1, "bfloat16"), BY_NAME[name]
    device = to_cupy(x)
    for columnwise in (False, True):
        q = fos_gpu.quantize(device, r, scale_layout=layout, columnwise=columnwise)
        for array in (q.codes, q.block_scales, q.linear_scales, q.picked4, q.tensor_scales):
            array.data.memset(poison, array.nbytes)
        fos_gpu.quantize(device, r, scale_layout=layout, columnwise=columnwise, out=q)
        want = surface.model(x, r, columnwise=columnwise)
        surface.assert_same_tensor(q.to_host(), want)
        expected = want.block_scales if layout == "linear" else fos_ref.swizzle(want.block_scales)
        surface.assert_same(to_numpy(q.block_scales), expected)


def test_a_torch_stream_is_honoured():
    t = torch()
    first, second = (to_torch(make("normal", (2048, 4096), s, "bfloat16")) for s in (1, 2))
    x = first.clone()
    fos_gpu.quantize(x, R)
    t.cuda.synchronize()
    stream = t.cuda.Stream()
    with t.cuda.stream(stream):
        t.cuda._sleep(200_000_000)  # the copy comes late: a kernel on another stream would see the old values
        x.copy_(second)
        q = fos_gpu.quantize(x, R)
    stream.synchronize()
    surface.assert_same_tensor(q.to_host(), surface.model(to_numpy(second), R))


def test_a_cupy_stream_is_honoured():
    second = make("normal", (2048, 4096), 2, "bfloat16")
    x, late = (to_cupy(v) for v in (make("normal", (2048, 4096), 1, "bfloat16"), second))
    large = cupy().ones(1 << 28, dtype=np.float32)
    fos_gpu.quantize(x, R)
    cupy().cuda.Device().synchronize()
    stream = cupy().cuda.Stream(non_blocking=True)
    with stream:
        for _ in range(20):
            large *= 1
        assign(x, late)
        q = fos_gpu.quantize(x, R)
    stream.synchronize()
    surface.assert_same_tensor(q.to_host(), surface.model(second, R))


@pytest.mark.parametrize("name", [FEW[0], FEW[3], TILES[0]])
@pytest.mark.parametrize("columnwise", [False, True])
def test_a_cupy_graph_replays_on_changed_input(name, columnwise):
    r = BY_NAME[name]
    x = to_cupy(make("normal", (128, 256), 1, "bfloat16"))
    q = fos_gpu.quantize(x, r, scale_layout="swizzled", columnwise=columnwise)
    y = fos_gpu.dequantize(q)
    e = fos_gpu.errors(x, q)
    stream = cupy().cuda.Stream(non_blocking=True)
    with stream:
        stream.begin_capture()
        fos_gpu.quantize(x, r, scale_layout="swizzled", columnwise=columnwise, out=q)
        fos_gpu.dequantize(q, out=y)
        e = fos_gpu.errors(x, q)
        graph = stream.end_capture()
    for seed in (2, 3):
        values = make("heavy-tailed", (128, 256), seed, "bfloat16")
        assign(x, to_cupy(values))
        cupy().cuda.Device().synchronize()
        graph.launch(stream)
        stream.synchronize()
        want = surface.model(values, r, columnwise=columnwise)
        surface.assert_same_tensor(q.to_host(), want)
        surface.assert_same(to_numpy(q.block_scales), fos_ref.swizzle(want.block_scales))
        surface.assert_same(to_numpy(y), fos_ref.dequantize(want))
        own = np.ascontiguousarray(values.T) if columnwise else values
        surface.assert_same(to_numpy(e.totals), surface.expected_errors(own, fos_ref.dequantize(want))[1])


def test_a_torch_graph_replays_on_changed_input():
    t = torch()
    x = to_torch(make("normal", (128, 256), 1, "bfloat16"))
    fos_gpu.dequantize(fos_gpu.quantize(x, R), t.bfloat16)
    fos_gpu.errors(x, fos_gpu.quantize(x, R))
    t.cuda.synchronize()
    graph = t.cuda.CUDAGraph()
    with t.cuda.graph(graph):
        q = fos_gpu.quantize(x, R)
        y = fos_gpu.dequantize(q, t.bfloat16)
        e = fos_gpu.errors(x, q)
    for seed in (2, 3):
        values = make("heavy-tailed", (128, 256), seed, "bfloat16")
        x.copy_(to_torch(values))
        graph.replay()
        t.cuda.synchronize()
        want = surface.model(values, R)
        surface.assert_same_tensor(q.to_host(), want)
        surface.assert_same(to_numpy(y), fos_ref.dequantize(want, surface.NUMPY["bfloat16"]))
        totals = surface.expected_errors(values, fos_ref.dequantize(want))[1]
        surface.assert_same(to_numpy(e.totals), totals)


def test_what_waits_for_the_device_cannot_be_captured():
    x = to_cupy(make("normal", (128, 256), 1, "bfloat16"))
    fos_gpu.quantize(x, R, check=True)
    stream = cupy().cuda.Stream(non_blocking=True)
    with stream:
        stream.begin_capture()
        try:
            with pytest.raises(ToolchainError, match="CUDA failed on a bfloat16 tensor"):
                fos_gpu.quantize(x, R, check=True)
        finally:
            with contextlib.suppress(cupy().cuda.runtime.CUDARuntimeError):  # the capture has failed
                stream.end_capture()
    surface.assert_same_tensor(fos_gpu.quantize(x, R).to_host(), surface.model(to_numpy(x), R))


@PUTS
def test_views_that_are_refused(put):
    x = put(np.ones((64, 64), np.float32))
    with pytest.raises(InputError, match="x is not contiguous"):
        fos_gpu.quantize(x.T, R)
    with pytest.raises(InputError, match="x is not contiguous"):
        fos_gpu.quantize(x[:, :32], R)
    with pytest.raises(InputError, match="a multiple of 16 bytes is allowed"):
        fos_gpu.quantize(x.reshape(-1)[1:-15].reshape(-1, 16), R)
    with pytest.raises(DtypeError, match="x has dtype"):
        fos_gpu.quantize(put(np.ones((16, 16), np.float64)), R)
    q = fos_gpu.quantize(x[32:], R)  # rows from an aligned address on are contiguous
    surface.assert_same_tensor(q.to_host(), surface.model(np.ones((32, 64), np.float32), R))


@PUTS
def test_the_package_s_own_call_leaves_the_input_where_it_lies(put, monkeypatch):
    values = make("normal", (64, 128), 1, "bfloat16")
    x, want = put(values), surface.model(values, R)
    with monkeypatch.context() as patch:
        patch.setattr(fos_ref.engines.front, "as_numpy", None)  # the door for arrays in host memory
        got = fos_ref.quantize(x, R, engine="cuda")
    surface.assert_same_tensor(got, want)
    turned = fos_ref.quantize(x.T, R, engine="cuda")  # not contiguous: it comes to the host
    surface.assert_same_tensor(turned, surface.model(values, R, columnwise=True))


@PUTS
def test_a_tensor_on_another_device(put):
    if cupy().cuda.runtime.getDeviceCount() < 2:
        pytest.skip("one GPU: a tensor on another one was not tried")
    x = put(np.ones((16, 32), np.float32))
    with cupy().cuda.Device(1), pytest.raises(InputError, match="the current device is 1: use `with"):
        fos_gpu.quantize(x, R)


def test_a_tensor_that_does_not_fit():
    free, _ = cupy().cuda.runtime.memGetInfo()
    values = free // 3 // 4096 * 4096
    x = cupy().zeros((values // 4096, 4096), dtype=np.float16)
    with pytest.raises(ToolchainError, match="does not fit on the device"):
        fos_gpu.errors(x, fos_gpu.quantize(x, R, amax=1.0))
    del x
    cupy().get_default_memory_pool().free_all_blocks()


def test_a_nan_is_refused_where_it_is_asked_for():
    values = make("normal", (16, 64), 6, "bfloat16")
    values[3, 7] = np.nan
    for put in (to_cupy, to_torch):
        with pytest.raises(InputError, match="x has a NaN or an infinity"):
            fos_gpu.quantize(put(values), R, amax=1.0, check=True)
        with pytest.raises(InputError, match="x has a NaN or an infinity"):
            fos_gpu.quantize(put(values), R).to_host()
