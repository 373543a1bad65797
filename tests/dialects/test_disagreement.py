"""Where two recipes disagree: counts by hand, shares by axis, and all pairs at once."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from fos_ref import PRESETS, quantize
from fos_ref.dialects.disagreement import disagreement, partners, taking
from fos_ref.dialects.matrix import block_words, differing_blocks
from fos_ref.errors import InputError
from fos_ref.inputs.distributions import make
from fos_ref.recipes.axes import ErrorMetric, Reduction, Tie
from fos_ref.storage.layout import unpack_nibbles

SIX, FOUR = PRESETS["4over6"], replace(PRESETS["4over6"], name="four-wins", tie=Tie.FOUR)
COARSE = make("coarse", (64, 256), 0)


def counted(x, a, b):
    """Return (differing, choice, block_scale, codes, codes_only) block by block, in plain Python."""
    qa, qb = quantize(x, a), quantize(x, b)
    ca, cb = (unpack_nibbles(q.codes) for q in (qa, qb))
    totals = [0] * 5
    rows, cols = qa.block_scales.shape
    for row in range(rows):
        for col in range(cols):
            codes = any(ca[row, 16 * col + i] != cb[row, 16 * col + i] for i in range(16))
            scale = qa.block_scales[row, col] != qb.block_scales[row, col]
            choice = qa.picked4[row, col] != qb.picked4[row, col]
            here = (codes or scale, choice, scale, codes, codes and not scale)
            totals = [t + bool(h) for t, h in zip(totals, here, strict=True)]
    return tuple(totals)


@pytest.mark.parametrize(
    ("a", "b", "data"),
    [
        ("4over6", "4over6-mae", "normal"),
        ("te-mse-256", "te-mse-448", "coarse"),
        ("te-mse-256", "fouroversix-mse", "subnormal-scale"),
        ("nvfp4", "te-nvfp4", "signed-zero"),
        ("nvfp4", "fouroversix-static4", "zero-laden"),
    ],
)
def test_the_counts_are_those_of_a_loop_over_blocks(a, b, data):
    x = make(data, (16, 128), 0)
    d = disagreement(x, PRESETS[a], PRESETS[b], explain=False)
    assert d.blocks == 16 * 8
    assert (d.differing, d.choice, d.block_scale, d.codes, d.codes_only) == counted(x, PRESETS[a], PRESETS[b])
    assert d.differing > 0
    assert d.axes == ()


def test_a_recipe_agrees_with_itself_and_with_another_name():
    d = disagreement(COARSE, SIX, replace(SIX, name="other"))
    assert (d.differing, d.choice, d.block_scale, d.codes, d.codes_only, d.axes) == (0, 0, 0, 0, 0, ())


def test_one_axis_explains_everything_when_it_is_the_only_one():
    d = disagreement(COARSE, SIX, FOUR)
    (share,) = d.axes
    assert d.differing > 0
    assert (share.axes, share.changed, share.explained) == (("tie",), d.differing, d.differing)


def test_each_axis_is_counted_alone_and_the_largest_share_comes_first():
    b = replace(FOUR, name="both", error_metric=ErrorMetric.MAE)
    d = disagreement(COARSE, SIX, b)
    assert {s.axes for s in d.axes} == {("tie",), ("error_metric",)}
    for s in d.axes:
        alone = taking(SIX, b, s.axes)
        assert s.changed == disagreement(COARSE, SIX, alone, explain=False).differing
        left = disagreement(COARSE, alone, b, explain=False).differing
        assert d.differing - s.explained <= left
        assert s.explained <= d.differing
    assert [s.explained for s in d.axes] == sorted((s.explained for s in d.axes), reverse=True)
    assert 0 < d.axes[-1].explained < d.differing


def test_axes_that_only_go_together_are_one_share():
    d = disagreement(COARSE, SIX, PRESETS["4over6-absmax"])
    assert [s.axes for s in d.axes] == [("error_metric", "reduction")]
    assert d.axes[0].explained == d.differing > 0


def test_the_partners_of_an_axis_are_the_fewest_that_make_it_legal():
    plain, absmax = PRESETS["nvfp4"], PRESETS["4over6-absmax"]
    assert partners(SIX, absmax, "error_metric") == ("reduction",)
    assert partners(SIX, FOUR, "tie") == ()
    assert set(partners(plain, SIX, "candidates")) == {
        "map4_scale",
        "error_domain",
        "error_metric",
        "reduction",
        "tie",
    }
    assert partners(plain, SIX, "scale_max") == ()


def test_taking_changes_these_axes_and_no_other():
    taken = taking(SIX, PRESETS["te-mse-448-row"], ["scale_max", "amax_scope"])
    assert set(SIX.diff(taken)) == {"scale_max", "amax_scope"}
    assert taken.name == "4over6+scale_max+amax_scope"
    assert taken.reduction is Reduction.SEQUENTIAL


def test_blocks_of_other_widths_cannot_be_compared():
    with pytest.raises(
        InputError, match="blocks of 16 values of 4 bits, fouroversix-mxfp4-static6 has blocks of 32"
    ):
        disagreement(COARSE, SIX, PRESETS["fouroversix-mxfp4-static6"])


# --- all pairs at once -------------------------------------------------------------------------------

SEVERAL = ["4over6", "te-mse-256", "4over6-mae", "te-mse-448", "te-mse-256-row", "fouroversix-mse", "nvfp4"]


@pytest.mark.parametrize("data", ["normal", "coarse", "subnormal-scale"])
def test_the_matrix_holds_what_each_pair_gives_alone(data):
    x = make(data, (32, 128), 0, "bfloat16")
    recipes = [PRESETS[n] for n in SEVERAL]
    blocks, counts = differing_blocks(x, recipes)
    assert blocks == 32 * 8
    for i, j in combinations(range(len(recipes)), 2):
        assert (
            counts[i, j] == counts[j, i] == disagreement(x, recipes[i], recipes[j], explain=False).differing
        )
    assert not counts.diagonal().any()
    assert counts.max() > 0


def test_a_tile_counts_as_one_block():
    x = make("coarse", (32, 64), 0)
    recipes = [PRESETS["4over6-16x16"], PRESETS["4over6-mae-16x16"]]
    blocks, counts = differing_blocks(x, recipes)
    assert blocks == 2 * 4
    tiles = np.zeros((2, 4), dtype=bool)
    qa, qb = (quantize(x, r) for r in recipes)
    for row, col in np.argwhere(qa.codes != qb.codes):
        tiles[row // 16, col // 8] = True
    assert counts[0, 1] == tiles.sum() + np.count_nonzero((qa.block_scales != qb.block_scales)[::16] & ~tiles)
    assert 0 < counts[0, 1] <= blocks


def test_the_words_of_a_block_are_all_its_bytes():
    """A flipped bit of any byte is one block more."""
    q = quantize(make("normal", (2, 32), 0), SIX)
    before = block_words(q)
    for array in (q.codes, q.block_scales):
        for place in np.ndindex(array.shape):
            array[place] ^= 0x40
            assert np.count_nonzero((block_words(q) != before).any(axis=1)) == 1
            array[place] ^= 0x40


def test_a_matrix_of_blocks_of_two_shapes_is_an_error():
    with pytest.raises(InputError, match="one and the same block shape"):
        differing_blocks(COARSE, [SIX, PRESETS["4over6-16x16"]])
