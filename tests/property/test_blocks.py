"""A block depends on its own values and the tensor amax: not on its neighbours, its place or its order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fos_ref
from fos_ref.inputs import strategies as fos
from fos_ref.recipes.axes import ErrorDomain
from tests.property.strategies import amax_of, matrices, recipes, same

amaxes = st.sampled_from([1.0, 6.0, 1777.0, 1e-3, 1e30])


@pytest.mark.long
@given(st.data(), recipes, amaxes)
def test_a_block_depends_on_its_own_values_and_the_amax(data, r, a):
    x, other = data.draw(matrices(r, amax=a)), data.draw(matrices(r, amax=a))
    amax = amax_of(r, x, a)
    n = r.block_cols
    mixed = np.concatenate([x[:, :n], other[:, n:]], axis=1)
    q, of_mixed = (fos_ref.quantize(v, r, amax=amax, engine="numpy") for v in (x, mixed))
    assert np.array_equal(q.codes[:, : n // 2], of_mixed.codes[:, : n // 2])
    assert np.array_equal(q.block_scales[:, 0], of_mixed.block_scales[:, 0])
    assert np.array_equal(q.picked4[:, 0], of_mixed.picked4[:, 0])


@given(st.data(), fos.recipes(lambda r: r.block_rows == 1 and r.search is None))
def test_a_block_s_scale_and_magnitudes_do_not_depend_on_the_order_of_its_values(data, r):
    x = data.draw(matrices(r, blocks=1))
    order = data.draw(st.permutations(range(r.block_cols)))
    t, moved = fos_ref.trace(x, r), fos_ref.trace(x[:, order], r)
    for a, b in ((t.map6, moved.map6), (t.map4, moved.map4)):
        if a is not None:
            assert np.array_equal(a.scale_code, b.scale_code)
            assert np.array_equal(a.codes[..., order], b.codes)


@pytest.mark.long
@given(st.data(), recipes, amaxes)
def test_stacked_rows_are_the_rows_stacked(data, r, a):
    parts = [data.draw(matrices(r, amax=a)) for _ in range(data.draw(st.integers(2, 3)))]
    together = np.concatenate(parts)
    q = fos_ref.quantize(together, r, amax=amax_of(r, together, a), engine="numpy")
    alone = [fos_ref.quantize(p, r, amax=amax_of(r, p, a), engine="numpy") for p in parts]
    for name in ("codes", "block_scales", "picked4"):
        assert np.array_equal(getattr(q, name), np.concatenate([getattr(b, name) for b in alone]))


@given(st.data(), recipes)
def test_the_caller_s_own_amax_is_no_news(data, r):
    x = data.draw(matrices(r))
    q = fos_ref.quantize(x, r, engine="numpy")
    again = fos_ref.quantize(x, r, amax=q.tensor_amax, engine="numpy")
    same(q, again, "codes", "block_scales", "picked4", "decode_scale")


@given(st.data(), fos.recipes(lambda r: r.error_domain is not ErrorDomain.UNSCALED))
def test_the_amax_is_the_largest_magnitude(data, r):
    x = data.draw(fos.matrices(r, shape=(2, 2)))
    q = fos_ref.quantize(x, r, engine="numpy")
    axis = 1 if r.amax_scope.value == "row" else None
    assert np.array_equal(q.tensor_amax, np.abs(x).max(axis=axis))
