"""-x has the scales, the choice and the magnitudes of x, and its codes with another sign; or not: why."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import fos_ref
from fos_ref.formats.catalog import Negatives
from fos_ref.inputs import strategies as fos
from fos_ref.recipes.axes import Candidates, ElementCast, ZeroSign
from tests.property.strategies import matrices, recipes, same


@given(st.data(), recipes)
def test_scales_choice_errors_and_magnitudes_do_not_see_the_sign(data, r):
    x = data.draw(matrices(r))
    t, minus = fos_ref.trace(x, r), fos_ref.trace(-x, r)
    same(t, minus, "block_scales", "picked4", "tensor_amax", "decode_scale")
    for a, b in ((t.map6, minus.map6), (t.map4, minus.map4)):
        if a is None:
            continue
        same(a, b, "scale_code", "multiplier")
        assert np.array_equal(np.abs(a.values), np.abs(b.values), equal_nan=True)
        assert a.error is None or np.array_equal(a.error, b.error, equal_nan=True)


def sign_magnitude(r) -> bool:
    """Codes are sign and magnitude, and a magnitude fits into its bits."""
    one = r.element.second is None and not r.element.is_integer
    return one and r.element_cast is not ElementCast.UNSATURATED


@given(st.data(), fos.recipes(sign_magnitude))
def test_a_code_changes_its_sign_bit_where_there_is_a_sign(data, r):
    """Not for NaN, and for zeros only where the sign bit counts and the value was not forced to +0."""
    x, sign = data.draw(matrices(r)), np.uint8(1 << r.element.first.format.sign_shift)
    t, minus = fos_ref.trace(x, r), fos_ref.trace(-x, r)
    for a, b in ((t.map6, minus.map6), (t.map4, minus.map4)):
        if a is None:
            continue
        forced = (a.scaled == 0) & (np.signbit(a.scaled) == np.signbit(b.scaled))
        signed = ~np.isnan(a.scaled) & ~forced
        if r.zero_sign is not ZeroSign.SIGN_BIT:
            signed &= a.scaled != 0
        if r.zero_sign in (ZeroSign.NEVER, ZeroSign.ALWAYS):
            signed &= a.codes & ~sign != 0
        assert np.array_equal(a.codes[signed] ^ sign, b.codes[signed])
        assert np.array_equal(a.codes[forced], b.codes[forced])


@given(st.data(), fos.recipes(lambda r: r.element.is_integer or r.element.second is not None))
def test_an_integer_s_code_is_negated(data, r):
    x, fmt = data.draw(matrices(r, ends=False)), r.element.formats[-1]
    t, minus = fos_ref.trace(x, r), fos_ref.trace(-x, r)
    a, b = (c.map4 if r.candidates is Candidates.FLOAT_OR_INT else c.map6 for c in (t, minus))
    if fmt.negatives is Negatives.TWOS_COMPLEMENT:
        negated = -a.codes & np.uint8((1 << fmt.bits) - 1)
    else:
        negated = a.codes ^ np.where(a.codes == 0, 0, 1 << fmt.sign_shift).astype(np.uint8)
    assert np.array_equal(negated, b.codes)


def values(x, name, amax):
    return fos_ref.dequantize(fos_ref.quantize(x, name, amax=np.float32(amax), engine="numpy"))[0]


def test_an_unsaturated_code_that_wraps_has_no_sign():
    """12 rounds to code 9 and -12 to 9 | 8, the same: both read as -0.5 steps."""
    x = np.zeros((1, 16), np.float32)
    x[0, 0] = 12 * 448
    up, down = (values(s * x, "fouroversix-static6", 2688.0) for s in (np.float32(1), np.float32(-1)))
    assert up[0] == down[0] == -224
    assert values(x, "nvfp4", 2688.0)[0] == -values(-x, "nvfp4", 2688.0)[0] == 2688


def codes(x, name):
    q = fos_ref.quantize(x, name, amax=np.float32(2688), engine="numpy")
    return q.codes[0, 0] & 0xF


def test_a_zero_keeps_its_sign_by_the_recipe_s_rule():
    zero = np.zeros((1, 16), np.float32)
    assert (codes(zero, "te-nvfp4"), codes(-zero, "te-nvfp4")) == (0, 0)  # negative values only
    assert (codes(zero, "te-cuda-nvfp4"), codes(-zero, "te-cuda-nvfp4")) == (0, 8)  # the sign bit
    assert (codes(zero, "nvfp4"), codes(-zero, "nvfp4")) == (0, 0)  # the sign bit, but a zero scale forces +0
