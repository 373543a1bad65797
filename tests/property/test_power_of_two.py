"""A power of two on the input is a power of two on the tensor scale and nothing else, away from the ends."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import fos_ref
from fos_ref.inputs import strategies as fos
from fos_ref.recipes.axes import BlockScale, ErrorDomain, TensorScale
from tests.property.strategies import matrices, ordinary, same


def scales_with_its_input(r) -> bool:
    """A tensor scale absorbs a factor, unless a zero block or the trial's amax counts as the constant 1."""
    trial = r.error_domain in (ErrorDomain.TRIAL, ErrorDomain.UNSCALED)
    constants = r.block_scale is BlockScale.NORMALISED or trial
    return r.tensor_scale is not TensorScale.NONE and not constants


@given(st.data(), fos.recipes(scales_with_its_input), st.integers(-8, 8))
def test_a_power_of_two_changes_the_tensor_scale_and_nothing_else(data, r, k):
    amax = data.draw(ordinary)
    x = data.draw(matrices(r, amax=amax))
    x[np.abs(x) < amax * 2.0**-12] = 0  # whose squared error might be subnormal
    factor = np.float32(2.0**k)
    q, scaled = (fos_ref.quantize(v, r, engine="numpy") for v in (x, x * factor))
    same(q, scaled, "codes", "block_scales", "picked4")
    assert np.array_equal(q.tensor_amax * factor, scaled.tensor_amax)
    assert np.array_equal(q.decode_scale * factor, scaled.decode_scale)
    assert np.array_equal(fos_ref.dequantize(q) * factor, fos_ref.dequantize(scaled), equal_nan=True)


def powers(r):
    """Return whether block scales are powers of two, of every size, and made without a logarithm."""
    logarithms = (BlockScale.LOGARITHM, BlockScale.LOGARITHM_IN_INPUT_DTYPE)
    unscaled = r.tensor_scale is TensorScale.NONE and r.scale_format.is_power
    return unscaled and r.block_scale not in logarithms


@given(st.data(), fos.recipes(powers), st.integers(-8, 8))
def test_without_a_tensor_scale_it_moves_the_block_scale_s_exponent(data, r, k):
    amax = data.draw(ordinary)
    x = data.draw(matrices(r, amax=amax))
    x[np.abs(x) < amax * 2.0**-12] = 0
    q, scaled = (fos_ref.quantize(v, r, engine="numpy") for v in (x, x * np.float32(2.0**k)))
    same(q, scaled, "codes", "tensor_amax" if k == 0 else "codes")
    live = np.abs(x).reshape(*q.block_scales.shape, -1).max(axis=-1) > 0
    moved = scaled.block_scales.astype(int) - q.block_scales
    assert np.array_equal(moved, np.where(live, k, 0))


def quantized(x, name, factor):
    return fos_ref.quantize(x * np.float32(factor), name, engine="numpy")


RAMP = np.concatenate([np.arange(1, 17), np.zeros(16)]).reshape(1, 32).astype(np.float32)


def test_a_constant_in_the_recipe_does_not_scale():
    """ModelOpt counts a zero block's amax over 6 as 1: its scale byte depends on the tensor's size."""
    one, large = (quantized(RAMP, "modelopt-4over6", f).block_scales[0] for f in (1, 4096))
    assert one[0] == large[0]
    assert (one[1], large[1]) == (0x6C, 0x0C)  # 256 / (16/6) = 96, and 96 / 4096


def test_near_the_ends_a_squared_error_underflows_and_the_choice_with_it():
    """Four values of 5/6 of the amax err by 1 each when mapped to 6, and by 1/2 when mapped to 4."""
    x = np.zeros((1, 16), np.float32)
    x[0, :5] = 6, 5, 5, 5, 5
    picked = {k: bool(quantized(x, "4over6", 2.0**k).picked4[0, 0]) for k in (0, -40, -72, -76)}
    assert picked == {0: True, -40: True, -72: True, -76: False}
