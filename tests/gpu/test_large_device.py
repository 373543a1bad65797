"""A tensor of more than 2^31 values on a GPU: slices of it beside the model."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import fos_gpu
import fos_ref
from fos_gpu.tensors import to_numpy
from fos_ref.inputs.distributions import make
from tests.gpu import surface
from tests.gpu.cases import BY_NAME, FEW
from tests.gpu.on_device import cupy, NEEDS_GPU

pytestmark = [*NEEDS_GPU, pytest.mark.exhaustive]
R = BY_NAME[FEW[0]]
ROWS, COLS, WINDOW = (1 << 20) + (1 << 10), 2048, 1024
#: The first rows, those about value 2^31, the last ones.
FIRST_ROWS = (0, (1 << 20) - WINDOW // 2, ROWS - WINDOW)
NEEDED = 20 << 30


def part(array, where) -> np.ndarray:
    """Return a part of a device array on the host; cut as words, which every CuPy can copy."""
    words = array.view(f"u{array.dtype.itemsize}")[where]
    return cupy().asnumpy(cupy().ascontiguousarray(words)).view(array.dtype)


@pytest.fixture(scope="module")
def large():
    """Return 2^31 + 2^21 values in bfloat16 (4.3 GB) and their amax: no two windows of rows are alike."""
    if cupy().cuda.runtime.memGetInfo()[0] < NEEDED:
        pytest.skip("less than 20 GB free: no tensor of 2^31 values was quantized")
    pattern = make("normal", (WINDOW, COLS), 5, "bfloat16")
    words = cupy().empty((ROWS, COLS), dtype=np.uint16)
    own = cupy().asarray(pattern.view(np.uint16))
    for i, first in enumerate(range(0, ROWS, WINDOW)):
        words[first : first + WINDOW] = cupy().roll(own, i, axis=1)
    yield words.view(ml_dtypes.bfloat16), np.float32(np.abs(pattern.astype(np.float32)).max())
    del words
    cupy().get_default_memory_pool().free_all_blocks()


def test_the_tensor_amax(large):
    x, amax = large
    assert to_numpy(fos_gpu.amax(x, R)) == amax
    x.view(np.uint16)[-1, -1] = 0x4480  # 1024, behind every 32-bit index
    assert to_numpy(fos_gpu.amax(x, R)) == 1024
    assert to_numpy(fos_gpu.quantize(x, R).tensor_amax) == 1024
    x.view(np.uint16)[-1, -1] = 0


@pytest.mark.parametrize("columnwise", [False, True])
def test_quantize_and_back(large, columnwise):
    x, amax = large
    q = fos_gpu.quantize(x, R, amax=amax, columnwise=columnwise, scale_layout="swizzled")
    y = fos_gpu.dequantize(q, "bfloat16")
    for first in FIRST_ROWS:
        want = surface.model(part(x, slice(first, first + WINDOW)), R, columnwise=columnwise, amax=amax)
        where = {n: slice(first // n, (first + WINDOW) // n) for n in (1, 2, 16)}
        rows = slice(first, first + WINDOW)
        cut = {n: (slice(None), w) if columnwise else rows for n, w in where.items()}
        surface.assert_same(part(q.codes, cut[2]), want.codes)
        surface.assert_same(part(q.linear_scales, cut[16]), want.block_scales)
        surface.assert_same(part(q.picked4, cut[16]), want.picked4)
        surface.assert_same(part(y, cut[1]), fos_ref.dequantize(want, ml_dtypes.bfloat16))
    back = fos_gpu.unswizzle(q.block_scales, *q.linear_scales.shape)
    assert bool((back == q.linear_scales).all())


def test_errors(large):
    x, amax = large
    e = fos_gpu.errors(x, fos_gpu.quantize(x, R, amax=amax))
    for first in FIRST_ROWS:
        rows = slice(first, first + WINDOW)
        values = part(x, rows)
        want = fos_ref.dequantize(surface.model(values, R, amax=amax))
        per_block = surface.expected_errors(values, want)[0]
        for got, expected in zip((e.squared, e.absolute, e.largest), per_block, strict=True):
            surface.assert_same(part(got, rows), expected)
    per_block = to_numpy(e.squared)
    surface.assert_same(to_numpy(e.totals)[0], surface.added(per_block))
