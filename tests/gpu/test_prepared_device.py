"""Every recipe's calls on a GPU, and prepared ones: thread blocks that wait, streams, CUDA graphs."""

from __future__ import annotations

import numpy as np
import pytest

import fos_gpu
from fos_gpu import launch, prepared
from fos_gpu.build import modules
from fos_gpu.packed import most_together
from fos_ref.errors import InputError
from fos_ref.inputs.distributions import make
from tests.gpu import surface
from tests.gpu.cases import BY_NAME, FEW, KINDS, TILES
from tests.gpu.on_device import cupy, NEEDS_GPU, PUTS, to_cupy, torch

pytestmark = NEEDS_GPU
EACH = tuple(dict.fromkeys((*(BY_NAME[n] for n in (*FEW, *TILES)), *KINDS)))
DTYPES = tuple(surface.NUMPY)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("r", KINDS, ids=lambda r: r.name)
def test_every_call_of_every_kind(r, dtype):
    surface.check_every_call(to_cupy, r, dtype)


@PUTS
@pytest.mark.parametrize("r", EACH, ids=lambda r: r.name)
def test_one_launch_again_and_again(put, r):
    """Every size up to what the device holds at once; what a call leaves must not move the next one."""
    for i, shape in enumerate(((16, 32), (16, 160), (48, 96), (160, 1056), (1024, 512))):
        dtype = DTYPES[i % 3]
        call = fos_gpu.prepare(r, shape, dtype, like=put(np.zeros(16, np.uint8)))
        assert call.launches == 1 or i == 4
        for seed in range(3):
            surface.check_prepared(put, call, make("heavy-tailed", shape, seed, dtype))


@pytest.mark.parametrize("r", EACH, ids=lambda r: r.name)
def test_more_launches_give_the_same(monkeypatch, r):
    monkeypatch.setattr(prepared, "most_together", lambda *_: 0)
    call = fos_gpu.prepare(r, (48, 96), "bfloat16", like=to_cupy(np.zeros(16, np.uint8)))
    assert call.launches > 1
    for seed in range(2):
        surface.check_prepared(to_cupy, call, make("normal", (48, 96), seed, "bfloat16"))


def test_as_many_thread_blocks_as_the_device_holds_and_one_more(monkeypatch):
    monkeypatch.setattr(prepared, "MOST_AT_ONCE", 1 << 40)
    r = BY_NAME[FEW[0]]
    function = launch.loaded(modules.whole_unit(r, "bfloat16"), modules.ENTRY_WHOLE)
    most, like = most_together(function, launch.THREADS), to_cupy(np.zeros(16, np.uint8))
    for rows, launches in ((most, 1), (most + 1, 2)):
        shape = (rows, 16 * launch.THREADS)
        call = fos_gpu.prepare(r, shape, "bfloat16", like=like)
        assert call.launches == launches
        for seed in range(20 if launches == 1 else 2):
            x = make("normal", (shape[0], 256), seed, "bfloat16")
            surface.check_prepared(to_cupy, call, np.tile(x, (1, shape[1] // 256)))


@pytest.mark.parametrize("name", [FEW[0], FEW[3], TILES[0]])
@pytest.mark.parametrize("layout", ["linear", "swizzled"])
def test_a_torch_graph_of_a_prepared_call(name, layout):
    t, r, shape = torch(), BY_NAME[name], (128, 256)
    x = t.zeros(shape, dtype=t.bfloat16, device="cuda")
    call = fos_gpu.prepare(r, shape, x.dtype, like=x, scale_layout=layout)
    call(x)
    graph = t.cuda.CUDAGraph()
    with t.cuda.graph(graph):
        call(x)
    for seed in range(3):
        values = make("normal", shape, seed, "bfloat16")
        x.copy_(t.from_numpy(values.view(np.int16)).view(t.bfloat16))
        graph.replay()
        surface.assert_same_tensor(call.out.to_host(), surface.model(values, r))


@pytest.mark.parametrize("name", [FEW[0], FEW[3]])
def test_a_cupy_graph_of_a_prepared_call(name):
    cp, r, shape = cupy(), BY_NAME[name], (128, 256)
    x = to_cupy(np.zeros(shape, surface.NUMPY["bfloat16"]))
    call, stream = fos_gpu.prepare(r, shape, "bfloat16", like=x), cp.cuda.Stream(non_blocking=True)
    call(x)
    cp.cuda.runtime.deviceSynchronize()
    with stream:
        stream.begin_capture()
        call(x)
        graph = stream.end_capture()
    for seed in range(3):
        values = make("normal", shape, seed, "bfloat16")
        x.view(np.uint16).set(values.view(np.uint16))
        cp.cuda.runtime.deviceSynchronize()
        graph.launch(stream)
        stream.synchronize()
        surface.assert_same_tensor(call.out.to_host(), surface.model(values, r))


def test_calls_on_two_streams_side_by_side():
    """Each has arrays of its own, and both wait inside their kernels at once."""
    cp, r, shape = cupy(), BY_NAME[FEW[0]], (256, 512)
    streams = [cp.cuda.Stream(non_blocking=True) for _ in range(2)]
    values = [make("normal", shape, seed, "bfloat16") for seed in range(2)]
    xs = [to_cupy(v) for v in values]
    calls = [fos_gpu.prepare(r, shape, "bfloat16", like=x) for x in xs]
    cp.cuda.runtime.deviceSynchronize()
    for _ in range(50):
        for stream, call, x in zip(streams, calls, xs, strict=True):
            with stream:
                call(x)
    cp.cuda.runtime.deviceSynchronize()
    for call, v in zip(calls, values, strict=True):
        surface.assert_same_tensor(call.out.to_host(), surface.model(v, r))


@PUTS
def test_another_x_is_refused(put):
    x = put(make("normal", (16, 64), 1, "bfloat16"))
    call = fos_gpu.prepare(FEW[0], (16, 64), "bfloat16", like=x)
    with pytest.raises(InputError, match="not contiguous"):
        call(put(make("normal", (64, 16), 1, "bfloat16")).T)
    other = to_cupy(np.zeros((16, 64), surface.NUMPY["bfloat16"])) if put is not to_cupy else None
    if other is not None:
        with pytest.raises(InputError, match="the call was prepared for"):
            call(other)
