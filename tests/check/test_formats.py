"""The checker over formats whose codes have a byte each: the planted mistake is the one that is named."""

from __future__ import annotations

import numpy as np
import pytest

import fos_ref
from fos_ref.check.closest import closest
from fos_ref.check.layouts import readings
from fos_ref.check.subject import subject
from fos_ref.engines.given import Fixed
from fos_ref.inputs.distributions import make
from fos_ref.model.elements import code_values

SHAPE = (32, 128)
RECIPES = ("fouroversix-nvfp6-e2m3", "fouroversix-nvint6", "fouroversix-if6-e2m3-mse", "ocp-mxfp8-e4m3")


def tensor(name: str):
    """Return ordinary values, their bytes and the trace that made them."""
    x = make("normal", SHAPE, 0, "bfloat16")
    return x, fos_ref.quantize(x, name), fos_ref.trace(x, name)


def flags(x, codes, scales, name: str) -> list[str]:
    return [c.flag for c in fos_ref.verify.check(x, codes, scales, recipe=name).causes]


@pytest.mark.parametrize("name", RECIPES)
def test_equal_bytes_are_equal_and_counted_one_a_value(name):
    x, q, _ = tensor(name)
    found = fos_ref.verify.check(x, q.codes, q.block_scales, recipe=name)
    assert found.equal
    assert found.evidence is not None
    assert found.evidence.codes.of == q.codes.size == x.size


@pytest.mark.parametrize("name", RECIPES[2:])
def test_layouts_are_named_and_nibbles_are_not(name):
    x, q, _ = tensor(name)
    assert flags(x, q.codes, fos_ref.swizzle(q.block_scales), name) == ["ScaleLayout"]
    turned = fos_ref.quantize(np.ascontiguousarray(x.T), name)
    assert flags(x, turned.codes, turned.block_scales, name) == ["Transposed"]
    assert flags(x, q.codes[::-1], q.block_scales[::-1], name) == ["RowPermutation"]
    read = {flag for r in readings(q.codes, q.block_scales.ravel(), q.recipe) for flag in r.flags}
    assert "ScaleTransposed" in read
    assert "NibbleOrder" not in read


@pytest.mark.long
@pytest.mark.parametrize("name", RECIPES)
def test_signs_and_cuts_are_named(name):
    x, q, t = tensor(name)
    element = fos_ref.PRESETS[name].element
    sign = np.uint8(1 << element.width - 1)
    assert flags(x, q.codes & ~sign, q.block_scales, name) == ["SignLost"]
    if element.second is None:
        values = code_values(element.first.format)[: element.first.format.max_code + 1]
        y = t.map6.scaled.reshape(SHAPE)
        size = np.clip(np.searchsorted(values, np.abs(y), side="right") - 1, 0, len(values) - 1)
        signed = (size > 0) | (not element.is_integer)
        cut = np.where(np.signbit(y) & signed, size | sign, size)
        assert flags(x, cut.astype(np.uint8), q.block_scales, name) == ["E2m1Truncation"]


def test_a_tie_of_integers_that_goes_away_from_zero():
    name = "fouroversix-nvint6"
    x = np.tile(np.arange(-31, 32, dtype=np.float32)[:64] / 2, (16, 1))
    x = np.concatenate([x, x[:, :1]], axis=1)
    x[:, ::16] = 31
    q = fos_ref.quantize(x, name, tensor_scale=1.0)
    size = np.minimum(np.floor(np.abs(x) + np.float32(0.5)), 31).astype(np.uint8)
    away = np.where((x < 0) & (size > 0), size | 32, size).astype(np.uint8)
    assert (q.codes != away).any()
    found = fos_ref.verify.check(x, away, q.block_scales, recipe=name, tensor_scale=1.0)
    assert [c.flag for c in found.causes] == ["E2m1TiesAway"]


def test_values_above_the_largest_that_are_not_clamped():
    name = "ocp-mxfp8-e4m3"
    x, q, t = tensor("ocp-mxfp8-e4m3")
    over = np.abs(t.map6.scaled.reshape(SHAPE)) > 464
    assert over.any()
    codes = np.where(over, q.codes | 0x7F, q.codes)
    assert flags(x, codes, q.block_scales, name) == ["E2m1NoSaturation"]


@pytest.mark.long
def test_scales_of_five_exponent_bits():
    name = "auto-round-nvfp4-e5m3"
    x = make("normal", SHAPE, 0, "float32")
    r, q = fos_ref.PRESETS[name], fos_ref.quantize(x, name)
    s = float(np.float32(r.range_max) / np.float32(1.01 * np.abs(x).max()))
    other = fos_ref.quantize(x, name, encode_scale=s)
    found = fos_ref.verify.check(x, other.codes, other.block_scales, recipe=name)
    assert found.causes[0].flag == "TensorScale"
    low, high = found.evidence.from_bytes
    assert low <= s <= high
    assert flags(x, q.codes, q.block_scales + np.uint8(1), name)[0] == "ScaleOffset"


def test_presets_of_another_width_are_not_compared():
    x, _, _ = tensor("fouroversix-nvfp6-e2m3")
    near = fos_ref.quantize(x, "fouroversix-nvfp6-e3m2")
    fixed = Fixed()
    recipe = fos_ref.PRESETS["fouroversix-nvfp6-e2m3"]
    s = subject(x, near.codes, near.block_scales, recipe=recipe, fixed=fixed, scale_layout="linear")
    found = closest(s)
    assert found is not None
    assert (found.preset, found.equal) == ("fouroversix-nvfp6-e3m2", found.of)
