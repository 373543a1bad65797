"""The fast kernel's loops, under g++: every byte written once, every shape, whatever the launch."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from fos_gpu import engine
from fos_gpu.grid import fast_grid, Grid
from fos_gpu.host import HostKernel, stacked
from fos_gpu.kernels import FAST_ENTRY, SWITCH
from fos_ref.model.quantize import tensor_amax, tensor_scales
from fos_ref.verify.distributions import make
from tests.gpu.cases import BY_NAME
from tests.gpu.filter_emulated import on_16_bytes, quantize, start

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None, reason="g++ is not installed: the kernel's text is not run"
)
#: One block, tails of a thread block, several thread blocks a row, more blocks than a wave has threads.
SHAPES = {1: ((1, 16), (7, 48), (129, 16), (3, 8192)), 16: ((16, 16), (16, 48), (48, 144), (16, 2064))}
NAMES = ("4over6", "te-mae-448-row", "te-mse-256-16x16")


def scaled(x, r):
    """Return the tensor scales of x under a recipe."""
    return tensor_scales(tensor_amax(x.astype(np.float32), r), r, x.dtype)


def agree(r, x, grid=None, knobs=()) -> bool:
    """Return whether the kernel writes what the recipe says word for word, over two poisons."""
    scales = scaled(x, r)
    want = [a.view(np.uint8) for a in HostKernel(r).quantize(x, scales)]
    found = [quantize(r, x, scales, grid, poison=poison, knobs=knobs) for poison in (0xA5, 0x5A)]
    return all(np.array_equal(a, b) for got in found for a, b in zip(got, want, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_every_shape(name):
    r = BY_NAME[name]
    assert all(agree(r, make("zero-laden", shape, 3, "bfloat16")) for shape in SHAPES[r.block_rows])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("grid", [Grid(1, 1), Grid(2, 1), Grid(6, 3)])
def test_every_launch(name, grid):
    r = BY_NAME[name]
    assert agree(r, make("normal", (48, 2064), 4, "bfloat16"), grid)


def test_a_nan_s_scale_byte_reads_no_other_entry():
    """Under a floor the byte of a NaN scale is FF; no other block may change."""
    r, x = BY_NAME["torchao-nvfp4"], make("normal", (16, 64), 5, "float32")
    x[3, 17] = np.nan
    scales = tensor_scales(np.float32(4), r, x.dtype)
    codes, block_scales, _ = (a.view(np.uint8) for a in HostKernel(r).quantize(x, scales))
    got = quantize(r, x, scales, None, poison=0xA5, knobs=())
    assert block_scales[3, 1] == 0xFF
    assert np.array_equal(got[0], codes)
    assert np.array_equal(got[1], block_scales)


def test_the_engine_starts_it_unless_it_is_switched_off(monkeypatch):
    """launch_quantize through to the kernel's text; word for word is another kernel."""
    r, x = BY_NAME["4over6"], make("normal", (40, 4096), 6, "bfloat16")
    asked = []

    def loaded(r, dtype, name, _device, *, fast):
        asked.append((name, fast))
        return lambda groups, threads, given: fast and start(r, dtype, (*groups, *threads), given)

    monkeypatch.setattr(engine, "_loaded", loaded)
    monkeypatch.setattr(engine, "_device", lambda: 0)
    monkeypatch.setattr(engine, "_multiprocessors", lambda _: 3)
    scales = scaled(x, r)
    want = HostKernel(r).quantize(x, scales)
    out = tuple(np.full(a.shape, 0xA5, np.uint8) for a in want)
    given = (r, x.dtype, on_16_bytes(x.view(np.uint16)), stacked(scales), out)
    engine.launch_quantize(*given)
    assert all(np.array_equal(a, b) for a, b in zip(out, want, strict=True))
    monkeypatch.setenv(SWITCH, "0")
    engine.launch_quantize(*given)
    assert asked == [(FAST_ENTRY, True), ("fos_quantize", False)]
    engine._quantizer.cache_clear()


def test_the_comparison_sees_a_byte_that_is_not_written():
    r = BY_NAME["4over6"]
    assert not agree(r, make("normal", (4, 256), 4, "bfloat16"), knobs=("-DFOS_PICKED=0",))


@pytest.mark.parametrize("name", NAMES)
def test_a_launch_covers_the_tensor_once(name):
    r = BY_NAME[name]
    for shape in [(16, 16), (16, 1 << 20), (1 << 20, 16), (16384, 16384)]:
        groups, parts = fast_grid(r, shape, sms=132)
        runs = shape[0] if name.endswith("row") else shape[0] // r.block_rows if r.block_rows > 1 else 1
        assert groups % parts == 0
        assert parts <= groups <= max(runs * parts, 132 * 16)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", [*NAMES, "nvfp4"])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("knobs", [(), ("-DFOS_AHEAD=1", "-DFOS_THREADS=128"), ("-DFOS_PAIRS=e4m3",)])
def test_every_variant(name, dtype, knobs):
    r = BY_NAME[name]
    for shape in SHAPES[r.block_rows]:
        assert agree(r, make("outlier-channels", shape, 5, dtype), knobs=knobs)
