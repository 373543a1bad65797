"""The calls on device arrays without a GPU: the kernels' own text under g++, beside the model."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import fos_gpu
import fos_ref
from fos_gpu import front, launch
from fos_gpu.build import kernels, modules
from fos_gpu.door import quantize_to_host
from fos_gpu.proof.beside import SUPPORTED
from fos_gpu.tensors import to_numpy
from fos_ref.engines.given import Fixed
from fos_ref.errors import InputError
from fos_ref.inputs.distributions import make
from tests.gpu import surface
from tests.gpu.cases import BY_NAME, FEW, inputs, TILES
from tests.gpu.emulation.device import device
from tests.gpu.surface import DECODED

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None, reason="g++ is not installed: no kernel was run on the host"
)
__all__ = ["device"]
ONE_PER_RULE = list({r.dequantize: r for r in DECODED}.values())
SHAPES = ((48, 80), (80, 48), (16, 160))


@pytest.mark.long
@pytest.mark.parametrize("columnwise", [False, True])
@pytest.mark.parametrize(
    ("name", "dtype"), [(FEW[0], "bfloat16"), (FEW[3], "float16"), (TILES[0], "float32")]
)
def test_quantize(device, name, dtype, columnwise):
    for i, layout in enumerate(("linear", "swizzled")):
        x = make("normal", SHAPES[i], i, dtype)
        surface.check_quantize(device, x, BY_NAME[name], columnwise=columnwise, layout=layout)


@pytest.mark.long
@pytest.mark.parametrize("name", [FEW[0], TILES[0]])
@pytest.mark.parametrize("switch", ["0", "1"])
def test_columns_word_for_word_and_by_the_fast_path(device, monkeypatch, name, switch):
    """A few thread blocks for many groups of columns, so that each comes back for more."""
    dtype = {FEW[0]: "bfloat16", TILES[0]: "float32"}[name]
    monkeypatch.setenv(kernels.SWITCH, switch)
    monkeypatch.setattr(launch, "MOST_COLUMN_GROUPS", 2)
    assert (modules.fast_columns_unit(BY_NAME[name], dtype) is None) == (switch == "0")
    for family in ("heavy-tailed", "zero-laden", "subnormal-scale"):
        surface.check_quantize(device, make(family, (80, 144), 1, dtype), BY_NAME[name], columnwise=True)


@pytest.mark.long
@pytest.mark.parametrize("name", ["torchao-nvfp4", "llmcompressor-4over6-mse"])
def test_a_nan_scale_whose_byte_is_ff(device, name):
    """No entry of the fast path's table may be read beyond its end."""
    x = make("normal", (32, 48), 1, "float32")
    x[3, 5], x[7, 40], x[20, 33] = np.nan, np.inf, -np.inf
    surface.check_quantize(device, x, BY_NAME[name], columnwise=True)
    surface.check_quantize(device, x, BY_NAME[name], columnwise=True, amax=1.0)


@pytest.mark.sample(2)
@pytest.mark.parametrize("shape", [(16, 1), (16, 33), (64, 31), (144, 7)])
def test_columns_need_no_multiple_of_anything(device, shape):
    x = np.ascontiguousarray(make("normal", (shape[0], 48), 1, "bfloat16")[:, : shape[1]])
    surface.check_quantize(device, x, BY_NAME[FEW[0]], columnwise=True, layout="swizzled")


@pytest.mark.parametrize(("name", "columnwise"), [(FEW[0], False), (FEW[3], True)])
def test_the_tensor_amax(device, name, columnwise):
    dtype = {FEW[0]: "bfloat16", FEW[3]: "float16"}[name]
    x = make("normal", (160, 48), 2, dtype)
    surface.check_amax(device, x, BY_NAME[name], columnwise=columnwise)


@pytest.mark.parametrize(("name", "dtype"), [(FEW[0], "bfloat16"), (FEW[3], "float16")])
def test_an_amax_of_the_caller_s(device, name, dtype):
    surface.check_given_amax(device, make("normal", (32, 64), 3, dtype), BY_NAME[name])


def test_a_tensor_scale_of_the_caller_s(device):
    x, r = make("normal", (16, 64), 4, "bfloat16"), BY_NAME[FEW[0]]
    got = fos_gpu.quantize(device(x), r, tensor_scale=0.125).to_host()
    surface.assert_same_tensor(got, surface.model(x, r, tensor_scale=0.125))


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("r", "dtype"),
    [*((r, "float32") for r in ONE_PER_RULE), (ONE_PER_RULE[0], "bfloat16"), (ONE_PER_RULE[1], "float16")],
    ids=lambda v: getattr(v, "name", v),
)
def test_every_code_under_every_scale_byte(device, r, dtype):
    """In float32 each rule's roundings are seen; in 16 bits the last one is."""
    assert surface.check_all_codes(device, r, dtype, surface.amaxes(12)) == 12 * 4096


@pytest.mark.sample(1)
@pytest.mark.parametrize("columnwise", [False, True])
def test_errors(device, columnwise):
    x = make("heavy-tailed", (96, 192), 5, "bfloat16")
    surface.check_errors(device, x, BY_NAME[FEW[0]], columnwise=columnwise)


def test_errors_of_more_blocks_than_partial_sums(device, monkeypatch):
    monkeypatch.setattr(launch, "MOST_SUMS", 8)
    surface.check_errors(device, make("normal", (48, 112), 5, "bfloat16"), BY_NAME[FEW[0]])


def test_a_nan_stays_in_the_errors(device):
    x, r = make("normal", (32, 64), 5, "float16"), BY_NAME[FEW[3]]
    x[0, 3], x[7, 20], x[9, 40] = np.nan, np.inf, -np.inf
    surface.check_errors(device, x, r)


def test_a_comparison_sees_one_wrong_byte(device):
    x, r = make("normal", (16, 64), 6, "bfloat16"), BY_NAME[FEW[0]]
    q = fos_gpu.quantize(device(x), r)
    q.codes[3, 5] ^= 1
    with pytest.raises(AssertionError):
        surface.assert_same_tensor(q.to_host(), surface.model(x, r))


def test_leading_axes_are_kept(device):
    x, r = make("normal", (32, 64), 7, "bfloat16").reshape(2, 4, 4, 64), BY_NAME[FEW[0]]
    q = fos_gpu.quantize(device(x), r)
    surface.assert_same_tensor(q.to_host(), fos_ref.quantize(x, r, engine="numpy"))
    assert fos_gpu.dequantize(q).shape == x.shape


@pytest.mark.parametrize("shape", [(0, 16), (4, 0)])
@pytest.mark.parametrize("layout", ["linear", "swizzled"])
def test_an_empty_tensor(device, shape, layout):
    x, r = np.zeros(shape, surface.NUMPY["bfloat16"]), BY_NAME[FEW[0]]
    surface.check_quantize(device, x, r, layout=layout)
    surface.check_errors(device, x, r)
    assert fos_gpu.dequantize(fos_gpu.quantize(device(x), r)).shape == shape


def test_a_second_call_writes_into_the_first_one_s_arrays(device, monkeypatch):
    r = BY_NAME[FEW[0]]
    x, y = (make("normal", (32, 64), seed, "bfloat16") for seed in (8, 9))
    held = device(x)
    q = fos_gpu.quantize(held, r, scale_layout="swizzled")
    held[...] = y
    monkeypatch.setattr(front, "empty", None)
    assert fos_gpu.quantize(held, r, scale_layout="swizzled", out=q) is q
    want = surface.model(y, r)
    surface.assert_same_tensor(q.to_host(), want)
    surface.assert_same(to_numpy(q.block_scales), fos_ref.swizzle(want.block_scales))


def test_a_nan_is_refused_when_it_is_asked_for_and_at_the_host_s_door(device):
    x, r = make("normal", (16, 64), 6, "bfloat16"), BY_NAME[FEW[0]]
    x[3, 7] = np.nan
    with pytest.raises(InputError, match="x has a NaN or an infinity"):
        fos_gpu.quantize(device(x), r, check=True)
    with pytest.raises(InputError, match="x has a NaN or an infinity"):
        fos_gpu.quantize(device(x), r, amax=1.0, check=True)
    q = fos_gpu.quantize(device(x), r)
    with pytest.raises(InputError, match="x has a NaN or an infinity"):
        q.to_host()


@pytest.mark.exhaustive
@pytest.mark.parametrize("dtype", list(surface.NUMPY))
@pytest.mark.parametrize("r", DECODED, ids=lambda r: r.name)
def test_every_code_under_every_scale_byte_and_many_amaxes(device, r, dtype):
    assert surface.check_all_codes(device, r, dtype, surface.amaxes(1000, seed=1)) == 1000 * 4096


@pytest.mark.exhaustive
@pytest.mark.parametrize("switch", ["0", "1"])
@pytest.mark.parametrize("r", SUPPORTED, ids=lambda r: r.name)
def test_every_preset_by_columns(device, monkeypatch, r, switch):
    monkeypatch.setenv(kernels.SWITCH, switch)
    for i, (_, x) in enumerate(inputs()):
        if surface.fits(x, r, columnwise=True):
            surface.check_quantize(device, x, r, columnwise=True, layout=("linear", "swizzled")[i % 2])


@pytest.mark.exhaustive
@pytest.mark.parametrize("dtype", list(surface.NUMPY))
@pytest.mark.parametrize("r", DECODED, ids=lambda r: r.name)
def test_errors_of_every_rule(device, r, dtype):
    for columnwise in (False, True):
        for shape in ((16, 16), (80, 272), (2048, 1040)):
            x = make("heavy-tailed", shape, 3, dtype)
            surface.check_errors(device, x, r, columnwise=columnwise)


@pytest.mark.parametrize("name", [FEW[0], FEW[3]])
def test_the_package_s_own_call_takes_a_device_array_where_it_lies(device, monkeypatch, name):
    x, r = make("normal", (32, 64), 3, {FEW[0]: "bfloat16", FEW[3]: "float16"}[name]), BY_NAME[name]
    there, amax = device(x), np.full((32,) if name == FEW[3] else (), 3.5, np.float32)
    with monkeypatch.context() as patch:
        patch.setattr(fos_ref.engines.front, "as_numpy", None)  # the door for arrays in host memory
        got = fos_ref.quantize(there, r, engine="cuda")
    surface.assert_same_tensor(got, surface.model(x, r))
    got = fos_ref.quantize(there, r, engine="cuda", amax=device(amax))
    surface.assert_same_tensor(got, surface.model(x, r, amax=amax))
    x[0, 0] = np.nan
    if name == FEW[0]:
        with pytest.raises(InputError, match="x has a NaN or an infinity"):
            fos_ref.quantize(device(x), r, engine="cuda", amax=1.0)
    with pytest.raises(InputError, match="values of 0 and above are allowed"):
        fos_ref.quantize(there, r, engine="cuda", amax=device(-amax))


def test_a_device_array_that_is_no_matrix_in_a_row_comes_to_the_host(device):
    assert (
        quantize_to_host(device(make("normal", (32, 64), 3, "float32")).T, BY_NAME[FEW[0]], Fixed()) is None
    )
    assert quantize_to_host(np.ones((16, 16), np.float32), BY_NAME[FEW[0]], Fixed()) is None
