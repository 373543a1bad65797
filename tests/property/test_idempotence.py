"""Quantizing what was dequantized: the same values again under the same tensor amax; where not, and why."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import fos_ref
from fos_ref.inputs import strategies as fos
from fos_ref.recipes.axes import Dequantize, ErrorDomain, ScaleFormat, ZeroSign
from tests.property.strategies import amax_of, matrices, ordinary

FIRST_NORMAL = 8  #: the E4M3 byte of 2^-6


def twice(x, r, amax):
    """Return (first result, second, values of the first, of the second)."""
    given_amax = amax_of(r, x, amax)
    q = fos_ref.quantize(x, r, amax=given_amax, engine="numpy")
    y = fos_ref.dequantize(q)
    again = fos_ref.quantize(y, r, amax=given_amax, engine="numpy")
    return q, again, y, fos_ref.dequantize(again)


def per_value(q) -> np.ndarray:
    """Return where a value's block scale is not subnormal, in the shape of the values."""
    normal = (q.block_scales & 0x7F) >= FIRST_NORMAL
    return np.repeat(normal | (q.recipe.scale_format.is_power), q.recipe.block_cols, axis=1)


def decodes_as_it_measures(r) -> bool:
    """The error that decides is zero for what dequantization gives, so it is kept; or nothing is chosen.

    A power of two that is nearest as a logarithm may be too small for what the larger one gave. A search may
    find another scale that holds the same values.
    """
    nearest = r.scale_format is ScaleFormat.E8M0_NEAREST_LOG2
    rounded = r.error_domain in (ErrorDomain.DECODED, ErrorDomain.STRAIGHT_THROUGH)
    return (
        not nearest
        and not rounded
        and r.search is None
        and not (r.chooses and r.dequantize is Dequantize.AMAX_RECIPROCAL)
    )


@given(st.data(), fos.recipes(decodes_as_it_measures), ordinary)
def test_values_come_back_where_the_block_scale_is_normal(data, r, amax):
    q, _, y, z = twice(data.draw(matrices(r, amax=amax)), r, amax)
    assert np.array_equal(y[per_value(q)], z[per_value(q)])


def keeps_bytes(r) -> bool:
    """Nothing is chosen, zeros keep their sign, and no smaller power of two holds the values as well."""
    return not r.measures and r.zero_sign is ZeroSign.SIGN_BIT and not r.scale_format.is_power


@given(st.data(), fos.recipes(keeps_bytes), ordinary)
def test_so_do_bytes_where_nothing_is_chosen_and_zeros_keep_their_sign(data, r, amax):
    q, again, _, _ = twice(data.draw(matrices(r, amax=amax)), r, amax)
    normal = per_value(q)
    assert np.array_equal(
        np.repeat(q.block_scales, r.block_cols, axis=1)[normal],
        np.repeat(again.block_scales, r.block_cols, axis=1)[normal],
    )
    assert np.array_equal(q.codes[normal[:, ::2]], again.codes[normal[:, ::2]])


def block(*values):
    x = np.zeros((1, 16), np.float32)
    x[0, : len(values)] = values
    return x


def test_a_subnormal_scale_may_shrink_until_it_is_zero():
    """3.3 steps of 2^-9: the scale 0.55 rounds to 1 step, the value to 3; 3 gives 0.5, a tie, so 0."""
    q, again, y, z = twice(block(3.3 * 2.0**-9), fos_ref.PRESETS["nvfp4"], 2688.0)
    assert (q.block_scales[0, 0], again.block_scales[0, 0]) == (1, 0)
    assert (y[0, 0], z[0, 0]) == (3 * 2.0**-9, 0)


#: 3.5 steps of the map-to-6 scale beside the amax: both candidates err by half a step up to a rounding, which
#: favours 4; what 4 gives, 2/3 and 1/3 of the amax's codes, map-to-6 holds as well, and a tie is six's.
TIED = block(444.25, float.fromhex("0x1.032554p+8"))


def test_another_block_scale_may_hold_the_same_values():
    q, again, y, z = twice(TIED, fos_ref.PRESETS["4over6"], 1777.0)
    assert (q.picked4[0, 0], again.picked4[0, 0]) == (True, False)
    assert (q.block_scales[0, 0], again.block_scales[0, 0]) == (0x6C, 0x68)
    assert np.array_equal(y, z)


def test_the_values_move_where_dequantization_is_another_expression_than_the_error():
    """q * ((s*A) * (1/C)) rounds otherwise under another scale: one step of float32."""
    q, again, y, z = twice(TIED, fos_ref.PRESETS["te-mse-256"], 1777.0)
    assert (q.block_scales[0, 0], again.block_scales[0, 0]) == (0x6C, 0x68)
    assert [v.view(np.uint32) for v in y[0, :2]] == [0x43DE2000, 0x435E2000]
    assert [v.view(np.uint32) for v in z[0, :2]] == [0x43DE2001, 0x435E2001]


def test_a_negative_zero_is_lost_where_only_negative_values_have_a_sign():
    q, again, y, z = twice(block(6, -0.1), fos_ref.PRESETS["te-nvfp4"], 2688.0)
    assert (q.codes[0, 0], again.codes[0, 0]) == (0x87, 0x07)
    assert np.array_equal(y, z)


def test_under_its_own_amax_a_tensor_may_drift():
    """The amax comes back one step larger, so the next tensor scale is another. No byte changes."""
    bits = []
    x = np.zeros((1, 16), np.float32)
    x[0, 0] = np.uint32(0x3FC59581).view(np.float32)
    for _ in range(3):
        q = fos_ref.quantize(x, "te-nvfp4", engine="numpy")
        bits.append((int(x.view(np.uint32)[0, 0]), int(q.block_scales[0, 0]), int(q.codes[0, 0])))
        x = fos_ref.dequantize(q)
    assert bits == [(0x3FC59581 + n, 0x7E, 7) for n in range(3)]
