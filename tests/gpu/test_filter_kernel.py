"""The fast kernel's loops, under g++: every byte written once, every shape, whatever the launch."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from fos_gpu import engine
from fos_gpu.build.grid import fast_grid, Grid, Tuning, tuning
from fos_gpu.build.host import HostKernel, stacked
from fos_gpu.build.kernels import FAST_ENTRY, SWITCH
from fos_ref.inputs.distributions import make
from fos_ref.model.quantize import tensor_amax, tensor_scales
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


def agree(r, x, grid=None, **variant) -> bool:
    """Return whether the kernel writes what the recipe says word for word, over two poisons."""
    scales = scaled(x, r)
    want = [a.view(np.uint8) for a in HostKernel(r).quantize(x, scales)]
    found = [quantize(r, x, scales, grid, poison=poison, **variant) for poison in (0xA5, 0x5A)]
    return all(np.array_equal(a, b) for got in found for a, b in zip(got, want, strict=True))


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("pairs", ["float16", "e4m3"])
def test_every_shape(name, pairs):
    r, knobs = BY_NAME[name], (f"-DFOS_PAIRS={pairs}",)
    assert all(
        agree(r, make("zero-laden", shape, 3, "bfloat16"), knobs=knobs) for shape in SHAPES[r.block_rows]
    )


GRIDS = (Grid(1, 1), Grid(2, 1), Grid(6, 3))


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "grid"),
    [
        pytest.param(n, g, marks=() if GRIDS.index(g) == i else pytest.mark.exhaustive)
        for i, n in enumerate(NAMES)
        for g in GRIDS
    ],
)
def test_every_launch(name, grid):
    r = BY_NAME[name]
    assert agree(r, make("normal", (48, 2064), 4, "bfloat16"), grid)


@pytest.mark.long
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


@pytest.mark.long
@pytest.mark.parametrize("knobs", [(), ("-DFOS_PAIRED=1",)])
@pytest.mark.parametrize("name", ["4over6", "4over6-16x16"])
def test_any_bits_go_word_for_word_pair_by_pair_too(name, knobs):
    """What is left to the recipe casts pairs where there is an instruction; here its twin stands in."""
    r, rng = BY_NAME[name], np.random.default_rng(11)
    x = rng.integers(0, 1 << 32, (32, 160), dtype=np.uint32).view(np.float32)
    scales = tensor_scales(np.float32(4), r, x.dtype)
    want = [a.view(np.uint8) for a in HostKernel(r).quantize(x, scales)]
    got = quantize(r, x, scales, None, poison=0xA5, knobs=knobs)
    assert all(np.array_equal(a, b) for a, b in zip(got, want, strict=True))


@pytest.mark.long
def test_a_list_that_is_full_is_worked_off():
    """More tiles in one launch's only thread block than its list holds, none of them regular."""
    r = BY_NAME["4over6-16x16"]
    x = make("normal", (16, 16 * 2100), 12, "bfloat16")
    x.view(np.uint16)[:, ::16] = 0x7F80
    scales = tensor_scales(np.float32(4), r, x.dtype)
    want = [a.view(np.uint8) for a in HostKernel(r).quantize(x, scales)]
    got = quantize(r, x, scales, Grid(1, 1))
    assert all(np.array_equal(a, b) for a, b in zip(got, want, strict=True))


@pytest.mark.long
def test_a_warp_s_list_grows_beyond_a_warp():
    """Two blocks in three are not regular: a warp finds some 21 at a time, and works off 32 of its 42."""
    r = BY_NAME["4over6"]
    x = make("normal", (16, 4096), 13, "bfloat16")
    odd = np.random.default_rng(13).random((16, 256)) < 2 / 3
    x.view(np.uint16)[:, ::16][odd] = 0x7F80
    scales = tensor_scales(np.float32(4), r, x.dtype)
    want = [a.view(np.uint8) for a in HostKernel(r).quantize(x, scales)]
    got = quantize(r, x, scales, Grid(1, 1))
    assert all(np.array_equal(a, b) for a, b in zip(got, want, strict=True))


def test_the_engine_starts_it_unless_it_is_switched_off(monkeypatch):
    """launch_quantize through to the kernel's text; word for word is another kernel."""
    r, x = BY_NAME["4over6"], make("normal", (40, 4096), 6, "bfloat16")
    asked = []

    def loaded(r, dtype, name, _device, *, fast):
        asked.append((name, fast))
        knobs = tuning(r, dtype).definitions
        return lambda groups, threads, given: fast and start(r, dtype, (*groups, *threads), given, *knobs)

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


@pytest.mark.long
def test_the_comparison_sees_a_byte_that_is_not_written():
    r = BY_NAME["4over6"]
    assert not agree(r, make("normal", (4, 256), 4, "bfloat16"), knobs=("-DFOS_PICKED=0",))


@pytest.mark.parametrize("name", NAMES)
def test_a_launch_covers_the_tensor_once(name):
    r = BY_NAME[name]
    for shape in [(16, 16), (16, 1 << 20), (1 << 20, 16), (16384, 16384)]:
        groups, parts = fast_grid(r, shape, 132, tuning(r, "bfloat16"))
        runs = shape[0] if name.endswith("row") else shape[0] // r.block_rows if r.block_rows > 1 else 1
        assert groups % parts == 0
        assert parts <= groups <= max(runs * parts, 132 * 4 * 16)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", [*NAMES, "nvfp4"])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("tuned", [Tuning(128, 8, 1), Tuning(256, 3, 4), Tuning(512, 2, 1)])
@pytest.mark.parametrize("pairs", ["float16", "e4m3"])
def test_every_variant(name, dtype, tuned, pairs):
    r, knobs = BY_NAME[name], (f"-DFOS_PAIRS={pairs}",)
    for shape in SHAPES[r.block_rows]:
        assert agree(r, make("outlier-channels", shape, 5, dtype), tuned=tuned, knobs=knobs)
