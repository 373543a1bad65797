"""The candidate that is kept is never the worse one by its own error, and it is the one that is stored."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import fos_ref
from fos_ref.inputs import strategies as fos
from fos_ref.inputs.aims import Aim
from fos_ref.recipes.axes import Candidates, Tie
from tests.property.strategies import amax_of

choosing = fos.recipes(lambda r: r.chooses)


@given(st.data(), choosing)
def test_the_kept_candidate_is_never_the_worse_one(data, r):
    x, amax = data.draw(fos.cases(r))
    check(fos_ref.trace(x, r, amax=amax), r)


@given(st.data(), choosing, st.sampled_from([Aim.CANDIDATE_TIE, Aim.CHOICE_EDGE]))
def test_nor_on_ties_and_edges(data, r, aim):
    x = data.draw(fos.blocks(r, 1777.0, aim=aim))
    check(fos_ref.trace(x, r, amax=amax_of(r, x, 1777.0)), r)


def check(t, r):
    picked = t.picked4[:: r.block_rows]
    kept = np.where(picked, t.map4.error, t.map6.error)
    other = np.where(picked, t.map6.error, t.map4.error)
    assert np.all((kept <= other) | np.isnan(kept) | np.isnan(other))
    if r.tie is Tie.SIX:
        assert not np.any(picked & (t.map4.error == t.map6.error))
    assert not np.any(picked & (np.isnan(kept) | np.isnan(other)))
    flag = np.uint8(0x80 if r.candidates is Candidates.FLOAT_OR_INT else 0)
    stored = np.where(picked, t.map4.scale_code | flag, t.map6.scale_code)
    assert np.array_equal(t.block_scales[:: r.block_rows], stored)
