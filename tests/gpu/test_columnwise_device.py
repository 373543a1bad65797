"""Blocks along the columns on a GPU: the model's bits on the transpose, made contiguous."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fos_gpu import launch
from fos_gpu.build import kernels
from fos_gpu.proof.beside import SUPPORTED
from fos_ref.inputs import strategies as fos
from fos_ref.inputs.distributions import make
from tests.gpu import surface
from tests.gpu.cases import BY_NAME, FEW, inputs, TILES
from tests.gpu.on_device import NEEDS_GPU, PUTS, to_cupy

pytestmark = NEEDS_GPU
#: Rows x columns of x: one block, columns that no group of threads divides, tails of both.
SHAPES = ((16, 1), (16, 33), (64, 31), (144, 7), (80, 4097), (2064, 130))


@pytest.mark.parametrize("r", SUPPORTED, ids=lambda r: r.name)
def test_every_preset(r):
    for i, (_, x) in enumerate(inputs()):
        if surface.fits(x, r, columnwise=True):
            surface.check_quantize(to_cupy, x, r, columnwise=True, layout=("linear", "swizzled")[i % 2])
            surface.check_amax(to_cupy, x, r, columnwise=True)


@pytest.mark.parametrize("name", [*FEW, *TILES])
@pytest.mark.parametrize("switch", ["0", "1"])
def test_word_for_word_and_by_the_fast_path(monkeypatch, name, switch):
    monkeypatch.setenv(kernels.SWITCH, switch)
    monkeypatch.setattr(launch, "MOST_COLUMN_GROUPS", 2)
    for _, x in inputs((128, 272)):
        if surface.fits(x, BY_NAME[name], columnwise=True):
            surface.check_quantize(to_cupy, x, BY_NAME[name], columnwise=True)


@PUTS
@pytest.mark.parametrize("dtype", list(surface.NUMPY))
@pytest.mark.parametrize("name", [*FEW, *TILES])
def test_odd_shapes(put, name, dtype):
    r = BY_NAME[name]
    for rows, cols in SHAPES:
        if cols % r.block_rows:
            continue
        wide = make("normal", (rows, -(-cols // 16) * 16), 1, dtype)
        x = np.ascontiguousarray(wide[:, :cols])
        surface.check_quantize(put, x, r, columnwise=True, layout="swizzled")
    for shape in ((16, 48), (80, 112)):
        surface.check_quantize(put, make("normal", shape, 2, dtype), r, columnwise=True)


@given(st.data(), st.sampled_from([*FEW, *TILES]), st.sampled_from(list(surface.NUMPY)))
@settings(max_examples=100)
def test_the_shipped_strategies(data, name, dtype):
    """The transpose is aimed at the recipe's boundaries: its blocks are the columns of what is given."""
    r = BY_NAME[name]
    aimed = data.draw(fos.matrices(r, dtype=dtype, shape=(2, 3)))
    surface.check_quantize(to_cupy, np.ascontiguousarray(aimed.T), r, columnwise=True)
