"""What holds for every input: symmetry, scaling, independent blocks, the better candidate, fixed points."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

import fos_ref
from fos_ref.recipes.axes import (
    BlockScale,
    Candidates,
    ElementCast,
    ElementFormat,
    ErrorDomain,
    ScaleFloor,
    ScaleFormat,
    TensorScale,
)
from tests.property.strategies import amax_of, matrices, moderate_or_zero, recipes, same


@given(st.data(), recipes)
def test_the_sign_of_the_input_is_the_sign_of_the_output(data, r):
    """-x has the scales, the choice and the magnitudes of x, and the other sign where y is not 0."""
    x = data.draw(matrices(r))
    t, minus = fos_ref.trace(x, r), fos_ref.trace(-x, r)
    same(t, minus, "block_scales", "picked4", "tensor_amax", "decode_scale")
    for a, b in ((t.map6, minus.map6), (t.map4, minus.map4)):
        if a is None:
            continue
        same(a, b, "scale_code", "multiplier")
        assert np.array_equal(np.abs(a.values), np.abs(b.values), equal_nan=True)
        flips = (a.scaled != 0) & ~np.isnan(a.scaled)
        if r.element_format is ElementFormat.INT4 or (
            a is t.map4 and r.candidates is Candidates.FLOAT_OR_INT
        ):
            assert np.array_equal(-a.codes & 0xF, b.codes)
        elif r.element_cast is not ElementCast.UNSATURATED:
            assert np.array_equal(a.codes[flips] ^ 8, b.codes[flips])
        if a.error is not None:
            assert np.array_equal(a.error, b.error, equal_nan=True)


def scales_with_its_input(r) -> bool:
    """A tensor scale absorbs a factor, unless a zero block or the trial's amax counts as the constant 1."""
    constants = r.block_scale is BlockScale.NORMALISED or r.error_domain is ErrorDomain.TRIAL
    return r.tensor_scale is not TensorScale.NONE and not constants


@given(st.data(), recipes.filter(scales_with_its_input), st.integers(-20, 20))
def test_a_power_of_two_changes_the_tensor_scale_and_nothing_else(data, r, k):
    x = data.draw(matrices(r, moderate_or_zero))
    factor = np.float32(2.0**k)
    q, scaled = fos_ref.quantize(x, r), fos_ref.quantize(x * factor, r)
    same(q, scaled, "codes", "block_scales", "picked4")
    assert np.array_equal(q.tensor_amax * factor, scaled.tensor_amax)
    live = q.tensor_amax > 0  # the scale of a zero tensor or row is a constant
    assert np.array_equal((q.decode_scale * factor)[live], scaled.decode_scale[live])
    assert np.array_equal(fos_ref.dequantize(q) * factor, fos_ref.dequantize(scaled), equal_nan=True)


@given(st.data(), recipes)
def test_a_block_depends_on_its_own_values_and_the_amax(data, r):
    x, other = data.draw(matrices(r)), data.draw(matrices(r))
    amax = amax_of(r, x, data.draw(st.sampled_from([1.0, 6.0, 1e-3, 1e30])))
    n = r.block_cols
    mixed = np.concatenate([x[:, :n], other[:, n:]], axis=1)
    q, of_mixed = fos_ref.quantize(x, r, amax=amax), fos_ref.quantize(mixed, r, amax=amax)
    assert np.array_equal(q.codes[:, : n // 2], of_mixed.codes[:, : n // 2])
    assert np.array_equal(q.block_scales[:, 0], of_mixed.block_scales[:, 0])
    assert np.array_equal(q.picked4[:, 0], of_mixed.picked4[:, 0])


@given(st.data(), recipes.filter(lambda r: r.block_rows == 1))
def test_a_block_s_scale_and_magnitudes_do_not_depend_on_the_order_of_its_values(data, r):
    x = data.draw(matrices(r, blocks=1))
    order = data.draw(st.permutations(range(r.block_cols)))
    t, moved = fos_ref.trace(x, r), fos_ref.trace(x[:, order], r)
    for a, b in ((t.map6, moved.map6), (t.map4, moved.map4)):
        if a is not None:
            assert np.array_equal(a.scale_code, b.scale_code)
            assert np.array_equal(a.codes[..., order], b.codes)


@given(st.data(), recipes.filter(lambda r: r.chooses))
def test_the_kept_candidate_is_never_the_worse_one(data, r):
    t = fos_ref.trace(data.draw(matrices(r)), r)
    picked = t.picked4[:: r.block_rows]
    kept = np.where(picked, t.map4.error, t.map6.error)
    other = np.where(picked, t.map6.error, t.map4.error)
    assert np.all((kept <= other) | np.isnan(kept) | np.isnan(other))
    tied = t.map4.error == t.map6.error
    assert not np.any(picked & tied)  # every preset gives a tie to six
    assert not np.any(picked & (np.isnan(kept) | np.isnan(other)))
    flag = np.uint8(0x80 if r.candidates is Candidates.FLOAT_OR_INT else 0)
    stored = np.where(picked, t.map4.scale_code | flag, t.map6.scale_code)
    assert np.array_equal(t.block_scales[:: r.block_rows], stored)


E4M3 = [m / 512 for m in range(8)] + [(8 + m) / 8 * 2.0 ** (e - 7) for e in range(1, 16) for m in range(8)]
GRIDS = {False: np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], np.float32), True: np.arange(8, dtype=np.float32)}


def block_scales(r) -> st.SearchStrategy:
    """Return (byte, value) of the block scales that the recipe may store."""
    if r.scale_format is ScaleFormat.E8M0_UP:
        return st.integers(20, 230).map(lambda e: (e, np.float32(2.0 ** (e - 127))))
    lowest = 8 if r.scale_floor is ScaleFloor.MIN_NORMAL else 1
    return st.integers(lowest, 0x7E).map(lambda c: (c, np.float32(E4M3[c])))


@given(st.data(), recipes)
def test_values_on_the_grid_come_back_as_they_were(data, r):
    """With D = 1, codes times a block scale quantize to themselves if one has the largest magnitude."""
    scale_code, scale = data.draw(block_scales(r))
    grid = GRIDS[r.element_format is ElementFormat.INT4]
    allowed = grid[r.element_max >= grid]
    x = data.draw(matrices(r, st.sampled_from([*allowed, *-allowed[1:]]), blocks=1))
    x.flat[data.draw(st.integers(0, x.size - 1))] = r.element_max
    if r.amax_scope.value == "row":
        assume(np.all(np.abs(x).max(axis=1) == r.element_max))
    q = fos_ref.quantize(x * scale, r, amax=amax_of(r, x, r.range_max))
    assert np.all(q.decode_scale == 1)
    assert np.array_equal(fos_ref.dequantize(q), x * scale)
    assert np.all(q.block_scales == scale_code)
    assert np.all(q.picked4 == (r.candidates is Candidates.FOUR))


@given(st.data(), recipes)
def test_stacked_rows_are_the_rows_stacked(data, r):
    parts = [data.draw(matrices(r)) for _ in range(data.draw(st.integers(2, 3)))]
    together = np.concatenate(parts)
    amax = 5.0
    q = fos_ref.quantize(together, r, amax=amax_of(r, together, amax))
    alone = [fos_ref.quantize(p, r, amax=amax_of(r, p, amax)) for p in parts]
    for name in ("codes", "block_scales", "picked4"):
        assert np.array_equal(getattr(q, name), np.concatenate([getattr(a, name) for a in alone]))


@given(st.data(), recipes)
def test_the_caller_s_own_amax_is_no_news(data, r):
    x = data.draw(matrices(r))
    q = fos_ref.quantize(x, r)
    same(q, fos_ref.quantize(x, r, amax=q.tensor_amax), "codes", "block_scales", "picked4", "decode_scale")
