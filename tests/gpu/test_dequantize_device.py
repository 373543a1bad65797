"""Dequantization, error statistics and scale layouts on a GPU beside the model."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fos_gpu
import fos_ref
from fos_gpu.tensors import to_numpy
from fos_ref.errors import InputError
from fos_ref.inputs import strategies as fos
from fos_ref.inputs.distributions import make
from tests.gpu import surface
from tests.gpu.cases import BY_NAME, FEW, inputs, TILES
from tests.gpu.on_device import NEEDS_GPU, PUTS, to_cupy
from tests.gpu.surface import DECODED

pytestmark = NEEDS_GPU
R = BY_NAME[FEW[0]]
EITHER = pytest.mark.parametrize("columnwise", [False, True])


@pytest.mark.parametrize("dtype", list(surface.NUMPY))
@pytest.mark.parametrize("r", DECODED, ids=lambda r: r.name)
def test_every_code_under_every_scale_byte(r, dtype):
    assert surface.check_all_codes(to_cupy, r, dtype, surface.amaxes(64)) == 64 * 4096


@PUTS
@EITHER
@pytest.mark.parametrize("dtype", list(surface.NUMPY))
@pytest.mark.parametrize("name", [*FEW, *TILES])
def test_every_input(put, name, dtype, columnwise):
    r = BY_NAME[name]
    for _, x in inputs():
        if surface.fits(x, r, columnwise=columnwise):
            surface.check_dequantize(put, x, r, dtype, columnwise=columnwise)


@PUTS
@EITHER
@pytest.mark.parametrize("name", [*FEW, *TILES])
def test_errors_of_every_input(put, name, columnwise):
    r = BY_NAME[name]
    for _, x in inputs():
        if surface.fits(x, r, columnwise=columnwise):
            surface.check_errors(put, x, r, columnwise=columnwise)


@EITHER
@pytest.mark.parametrize("dtype", list(surface.NUMPY))
@pytest.mark.parametrize("r", DECODED, ids=lambda r: r.name)
def test_errors_of_every_rule(r, dtype, columnwise):
    for shape in ((16, 16), (80, 272)):
        surface.check_errors(to_cupy, make("heavy-tailed", shape, 3, dtype), r, columnwise=columnwise)


@EITHER
def test_errors_of_more_blocks_than_partial_sums(columnwise):
    surface.check_errors(to_cupy, make("normal", (2064, 1040), 3, "bfloat16"), R, columnwise=columnwise)


@given(st.data(), st.sampled_from([*FEW, *TILES]), st.sampled_from(list(surface.NUMPY)), st.booleans())
@settings(max_examples=60)
def test_the_shipped_strategies(data, name, dtype, columnwise):
    r = BY_NAME[name]
    x = data.draw(fos.matrices(r, dtype=dtype, shape=(1, 2) if r.block_rows == 16 else (16, 2)))
    surface.check_dequantize(to_cupy, x, r, dtype, columnwise=columnwise)
    surface.check_errors(to_cupy, x, r, columnwise=columnwise)


@pytest.mark.parametrize("dtype", list(surface.NUMPY))
def test_every_byte_of_the_values_is_written(dtype):
    x = make("normal", (33, 144), 1, "bfloat16")
    q, want = fos_gpu.quantize(to_cupy(x), R), fos_ref.dequantize(surface.model(x, R), surface.NUMPY[dtype])
    out = to_cupy(np.zeros(x.shape, surface.NUMPY[dtype]))
    for poison in (0xA5, 0x5A):
        out.data.memset(poison, out.nbytes)
        assert fos_gpu.dequantize(q, dtype, out=out) is out
        surface.assert_same(to_numpy(out), want)
    with pytest.raises(InputError, match=r"out is .* is allowed"):
        fos_gpu.dequantize(q, dtype, out=to_cupy(np.zeros((33, 160), surface.NUMPY[dtype])))


@PUTS
@pytest.mark.parametrize("shape", [(1, 1), (127, 3), (128, 4), (129, 5), (4096, 257), (0, 4), (4, 0)])
def test_scale_layouts(put, shape):
    scales = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    there = fos_gpu.swizzle(put(scales))
    surface.assert_same(to_numpy(there), fos_ref.swizzle(scales))
    surface.assert_same(to_numpy(fos_gpu.unswizzle(there, *shape)), scales)


@PUTS
def test_a_tensor_of_a_checkpoint(put):
    """What the host made goes to the device and back as values."""
    for r in DECODED:
        q = fos_ref.quantize(make("laplace", (32, 96), 4, "float16"), r, engine="numpy")
        got = fos_gpu.dequantize(fos_gpu.to_device(q, put(np.zeros(16, np.uint8))))
        surface.assert_same(to_numpy(got), fos_ref.dequantize(q))
