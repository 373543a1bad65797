"""Prepared calls without a GPU: the launches as they are packed, the kernels' own text, beside the model."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import fos_gpu
from fos_gpu import prepared
from fos_ref.errors import DtypeError, InputError, ShapeError
from fos_ref.inputs.distributions import make
from fos_ref.recipes.axes import AmaxScope
from tests.gpu import surface
from tests.gpu.cases import BY_NAME, FEW, FORMATS, SEARCHES, TILES
from tests.gpu.emulation.device import device
from tests.gpu.emulation.fake_cupy import CURRENT

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None, reason="g++ is not installed: no kernel was run on the host"
)
__all__ = ["device"]
KINDS = tuple(zip((*FEW, *TILES, *FORMATS, *SEARCHES), ("bfloat16", "float32", "float16") * 5, strict=False))


@pytest.mark.sample(1)
@pytest.mark.parametrize(("name", "dtype"), KINDS[:2])
def test_one_launch_for_amax_and_codes_again_and_again(device, name, dtype):
    """384 blocks: three thread blocks that wait for each other, the last one not full."""
    shape = (80, 64)
    call = fos_gpu.prepare(name, shape, dtype, like=device(np.zeros(16, np.uint8)))
    assert call.launches == 1
    for seed in range(3):
        surface.check_prepared(device, call, make("heavy-tailed", shape, seed, dtype))
    assert [(groups, threads) for groups, threads, _ in CURRENT.started] == [(3, 128)] * 3


@pytest.mark.long
@pytest.mark.parametrize("layout", ["linear", "swizzled"])
@pytest.mark.parametrize(("name", "dtype"), KINDS)
def test_every_kind_by_one_launch(device, monkeypatch, name, dtype, layout):
    monkeypatch.setattr(CURRENT, "resident", 32)
    r, like = BY_NAME[name], device(np.zeros(16, np.uint8))
    for shape in ((16, 32), (48, 96), (32, 160), (3, 32)):
        if shape[0] % r.block_rows == 0:
            call = fos_gpu.prepare(r, shape, dtype, like=like, scale_layout=layout)
            assert call.launches == 1 + (layout == "swizzled")
            for family in ("normal", "zero-laden"):
                surface.check_prepared(device, call, make(family, shape, 1, dtype), layout=layout)


@pytest.mark.long
@pytest.mark.parametrize(("name", "dtype"), KINDS)
def test_what_the_device_does_not_hold_at_once_takes_more_launches(device, monkeypatch, name, dtype):
    monkeypatch.setattr(CURRENT, "resident", 0)
    r, shape = BY_NAME[name], (48, 96)
    call = fos_gpu.prepare(r, shape, dtype, like=device(np.zeros(16, np.uint8)), scale_layout="swizzled")
    assert call.launches > 2
    for seed in range(2):
        surface.check_prepared(device, call, make("normal", shape, seed, dtype), layout="swizzled")


@pytest.mark.long
@pytest.mark.parametrize("name", [FEW[0], FEW[3], FORMATS[0]])
def test_columns_and_given_scales(device, name):
    r, shape, like = BY_NAME[name], (48, 96), device(np.zeros(16, np.uint8))
    x = make("normal", shape, 1, "bfloat16")
    turned = fos_gpu.prepare(r, shape, "bfloat16", like=like, columnwise=True)
    surface.check_prepared(device, turned, x, columnwise=True)
    rows = shape[:1] if r.amax_scope is AmaxScope.ROW else ()
    amax = np.full(rows, 2.75, np.float32)
    surface.check_prepared(device, fos_gpu.prepare(r, shape, "bfloat16", like=like, amax=amax), x, amax=amax)
    there = device(amax)
    call = fos_gpu.prepare(r, shape, "bfloat16", like=like, amax=there)
    for value in (2.75, 9.0):
        there[...] = value
        surface.check_prepared(device, call, x, amax=np.full(rows, value, np.float32))


def test_another_x_is_refused_by_what_is_wrong_with_it(device):
    x = make("normal", (16, 64), 1, "bfloat16")
    call = fos_gpu.prepare(FEW[0], x.shape, "bfloat16", like=device(x))
    with pytest.raises(
        ShapeError, match=r"x is bfloat16 \(32, 32\): the call was prepared for bfloat16 \(16, 64\)"
    ):
        call(device(x.reshape(32, 32)))
    with pytest.raises(DtypeError, match="x is float32"):
        call(device(x.astype(np.float32)))
    with pytest.raises(InputError, match="not contiguous"):
        call(device(np.zeros((64, 16), x.dtype)).T)
    with pytest.raises(InputError, match="starts at"):
        call(device(np.zeros(16 * 64 + 8, x.dtype))[1 : 16 * 64 + 1].reshape(16, 64))
    with pytest.raises(DtypeError, match="is a ndarray"):
        call(x)


def test_an_empty_tensor(device):
    x = np.zeros((0, 64), np.float32)
    call = fos_gpu.prepare(FEW[0], x.shape, np.float32, like=device(np.zeros(16, np.uint8)))
    assert call(device(x)).to_host().codes.shape == (0, 32)


@pytest.mark.parametrize(("name", "limit"), [(FEW[0], "MOST_AT_ONCE"), ("te-mae-448-row", "MOST_OF_ROWS")])
def test_one_launch_up_to_a_measured_number_of_blocks(device, monkeypatch, name, limit):
    like = device(np.zeros(16, np.uint8))
    for most, one in ((8, True), (7, False)):
        monkeypatch.setattr(prepared, limit, most)
        call = fos_gpu.prepare(name, (4, 32), "bfloat16", like=like)
        assert (call.launches == 1) is one
        surface.check_prepared(device, call, make("heavy-tailed", (4, 32), 0, "bfloat16"))
