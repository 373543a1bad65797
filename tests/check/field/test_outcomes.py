"""Outcomes that are judged, not reproduced: fair chance, a search for scales, what a chip decides."""

from __future__ import annotations

import numpy as np
import pytest

import fos_ref
from fos_ref.dialects.hardware import approximate, hardware_decides
from fos_ref.inputs.distributions import make
from fos_ref.model.quantize import quantize_matrix, tensor_scales
from fos_ref.verify import check, conformance
from tests.check.field.plain import E4M3, F, GRID, Kernel, nearest_code, normal, pack

APPROXIMATE = "flashinfer-default-mse-448"
SLOW = pytest.mark.exhaustive


def by_chance(seed, bias=0.0):
    """Return the cast that goes up as often as the value is near the upper code, give or take."""
    rng = np.random.default_rng(seed)

    def cast(y):
        m = np.minimum(np.abs(y), 6).astype(np.float64)
        at = np.clip(np.searchsorted(GRID, m, side="right") - 1, 0, 6)
        up = (m - GRID[at]) / (GRID[at + 1] - GRID[at])
        code = at + (rng.random(m.shape) < up + bias * (up > 0) * (up < 1))
        return (code | np.where(np.signbit(y), 8, 0)).astype(np.uint8)

    return cast


@pytest.mark.long
@pytest.mark.parametrize("shape", [(8, 64), *(pytest.param(s, marks=SLOW) for s in ((32, 128), (256, 256)))])
@pytest.mark.parametrize("recipe", ["nvfp4", "te-nvfp4"])
def test_stochastic_rounding(shape, recipe):
    x = normal(shape, 1)
    found = check(x, *Kernel(code=by_chance(3))(x), recipe="nvfp4" if recipe == "nvfp4" else "torchao-nvfp4")
    assert found.flags == ("StochasticRounding",)
    assert found.causes[0].blocks == found.mismatching_blocks
    assert "% of the values between two codes went up" in found.causes[0].what
    assert "z = " in found.causes[0].what


@pytest.mark.long
@pytest.mark.parametrize("bias", [0.1, -0.1])
def test_unfair_chance_is_not_named_so(bias):
    x = normal((256, 256), 2)
    found = check(x, *Kernel(code=by_chance(4, bias))(x), recipe="nvfp4")
    assert "StochasticRounding" not in found.flags


@pytest.mark.sample(1)
@pytest.mark.parametrize("bug", ["E2m1 cut", "ties", "unrounded"])
def test_a_rule_is_no_chance(bug):
    x = normal((64, 256), 3)

    def cut(y):
        at = np.searchsorted(GRID, np.abs(y), side="right") - 1
        return (at | np.where(np.signbit(y), 8, 0)).astype(np.uint8)

    codes, scales = Kernel(code=cut if bug == "E2m1 cut" else nearest_code)(x)
    if bug == "unrounded":
        base = np.abs(x.reshape(64, -1, 16)).max(-1) / F(6)
        codes = pack(nearest_code(x.reshape(64, -1, 16) / base[..., None]).reshape(x.shape))
    if bug == "ties":
        codes = codes ^ np.uint8(0x01)
    assert "StochasticRounding" not in check(x, codes, scales, recipe="nvfp4").flags


def searched(x, steps=range(-4, 3)):
    """Return the bytes of the best block scale among neighbours of the recipe's, by squared error."""
    q = fos_ref.quantize(x, "nvfp4")
    blocks = x.reshape(len(x), -1, 16)
    best = None
    for step in steps:
        byte = np.clip(q.block_scales.astype(int) + step, 1, 126).astype(np.uint8)
        d = byte.view(E4M3).astype(F) * (F(1) / q.encode_scale)
        code = nearest_code(blocks * (F(1) / d)[..., None])
        value = GRID[code & 7] * np.where(code & 8, -1, 1) * d[..., None]
        error = ((value - blocks).astype(np.float64) ** 2).sum(-1)
        if best is None:
            best = [error, byte, code]
        better = error < best[0]
        best = [
            np.where(better, error, best[0]),
            np.where(better, byte, best[1]),
            np.where(better[..., None], code, best[2]),
        ]
    return pack(best[2].reshape(x.shape)), best[1]


@pytest.mark.parametrize("shape", [(8, 64), *(pytest.param(s, marks=SLOW) for s in ((32, 128), (64, 256)))])
@pytest.mark.parametrize("steps", [range(-4, 3), range(-1, 2)])
def test_a_search_for_scales(shape, steps):
    x = normal(shape, 5)
    found = check(x, *searched(x, steps), recipe="nvfp4")
    assert found.flags[0] == "ScaleSearch"
    assert found.codes["nearest"] == found.codes["of"]
    assert found.causes[0].blocks >= 0.95 * found.mismatching_blocks


@pytest.mark.long
def test_larger_scales_with_larger_errors_are_no_search():
    x = normal((64, 256), 6)
    found = check(x, *searched(x, [3]), recipe="nvfp4")
    assert "ScaleSearch" not in found.flags


# --- the chip ------------------------------------------------------------------------------------------


def emulated(x, recipe=APPROXIMATE, seed=0):
    """Return the bytes of a chip whose reciprocals are off by a unit or not, block by block."""
    r = fos_ref.recipe(recipe)
    rng = np.random.default_rng(seed)
    q = fos_ref.quantize(x, r)
    scales = tensor_scales(np.asarray(q.tensor_amax), r, x.dtype)
    codes, bytes_ = q.codes.copy(), q.block_scales.copy()
    which = rng.integers(0, 3, (*q.block_scales.shape, 3)) - 1
    for units in np.ndindex(3, 3, 3):
        t = quantize_matrix(x, approximate(scales, tuple(u - 1 for u in units), r), r)
        here = (which == np.array(units) - 1).all(axis=-1)
        bytes_[here] = t.block_scales[here]
        codes.reshape(*here.shape, 8)[here] = pack(t.codes).reshape(*here.shape, 8)[here]
    return codes, bytes_


@pytest.mark.sample(1)
@pytest.mark.parametrize("family", ["normal", "coarse"])
def test_blocks_that_a_chip_decides(family):
    x = make(family, (512, 256) if family == "normal" else (64, 256), 1)
    codes, scales = emulated(x)
    found = check(x, codes, scales, recipe=APPROXIMATE)
    assert found.flags == ("HardwareDecides",)
    assert found.causes[0].blocks == found.mismatching_blocks
    assert found.mismatching_blocks <= np.count_nonzero(hardware_decides(x, fos_ref.recipe(APPROXIMATE)))


def test_a_block_that_a_chip_decides_may_still_be_wrong():
    x = make("coarse", (128, 256), 2)
    q = fos_ref.quantize(x, APPROXIMATE)
    found = check(x, q.codes << 4 | q.codes >> 4, q.block_scales, recipe=APPROXIMATE)
    assert found.flags == ("NibbleOrder",)


@pytest.mark.long
def test_the_same_bytes_under_exact_reciprocals_are_a_mistake():
    x = make("coarse", (32, 256), 1)
    found = check(x, *emulated(x), recipe="flashinfer-mse-448")
    assert "HardwareDecides" not in found.flags


@pytest.mark.long
def test_conformance_does_not_count_them_as_failures():
    options = {"groups": ["tensors"], "shapes": ((64, 256),), "dtypes": ("float32",)}
    report = conformance(emulated, APPROXIMATE, **options)
    assert report.equal
    assert report.decided > 0
    assert report.to_dict()["hardware_decides"] == report.decided
    assert "HardwareDecides" in str(report)

    def wrong(x):
        codes, scales = emulated(x)
        codes[0, 0] ^= 0x77
        return codes, scales

    assert not conformance(wrong, APPROXIMATE, **options)
