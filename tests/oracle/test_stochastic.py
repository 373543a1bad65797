"""The NumPy model against the exact oracle where random bits decide: every step, bit by bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import fos_ref
from fos_ref.model import quantize
from fos_ref.model.random_bits import RandomBits
from fos_ref.oracle.random_elements import dealt
from fos_ref.proof.oracle.agree import compare
from fos_ref.proof.oracle.inputs import arguments_for, cases, taken
from fos_ref.random import deal, Feed, words
from fos_ref.random import FEEDS as THEIRS
from fos_ref.random import width as width_of
from fos_ref.recipes.axes import (
    BlockShape,
    Candidates,
    ElementRounding,
    RandomFeed,
    ScaleRounding,
    TensorScale,
    ZeroSign,
)
from fos_ref.recipes.stochastic import FEEDS, WIDTHS

#: One preset for each set of axes whose bits can be computed.
KNOWN = {
    r.name: r
    for r in {r.fingerprint(): r for r in reversed(fos_ref.STOCHASTIC.values())}.values()
    if r.random_feed is not RandomFeed.HARDWARE_DECIDES
}
EVERY = 31  #: of the blocks of a case
BASE = fos_ref.recipe("te-train-gradient-byte-lane")
#: What no preset has: the other rules and feeds, widths below a feed's, tiles, signs of zeros.
OWN = {
    f"{rounding.value}, {feed.value}, {width} bits": replace(
        BASE, name="own", element_rounding=rounding, random_feed=feed, random_width=width
    )
    for rounding, feed, width in (
        (ElementRounding.SR_A, RandomFeed.HALF, 13),
        (ElementRounding.SR_B, RandomFeed.BYTE_NATURAL, 4),
        (ElementRounding.SR_B, RandomFeed.HALF_REVERSED, 16),
        (ElementRounding.SR_C, RandomFeed.WORD, 32),
        (ElementRounding.SR_C, RandomFeed.PAIR_REVERSED, 1),
        (ElementRounding.FOUROVERSIX_TORCH, RandomFeed.WORD, 24),
        (ElementRounding.QUARTET2_SIMULATOR, RandomFeed.WORD, 32),
    )
}
OWN |= {
    f"zeros: {sign.value}": replace(BASE, name="own", zero_sign=sign)
    for sign in ZeroSign
    if sign is not BASE.zero_sign
}
OWN["tiles"] = replace(BASE, name="own", block_shape=BlockShape.TILE_16X16)
OWN["to 4"] = replace(BASE, name="own", candidates=Candidates.FOUR)
for _rounding in (ScaleRounding.QUARTET2_SCALES, ScaleRounding.QUARTET2_SIMULATOR):
    OWN[f"scales: {_rounding.value}"] = replace(
        fos_ref.recipe("te-cuda-nvfp4"),
        name="own",
        scale_rounding=_rounding,
        random_width=WIDTHS[_rounding],
    )
RECIPES = {**KNOWN, **OWN}


def drawn(r, shape, seed=0):
    """Return words for a matrix; where block scales are rounded, numbers of the recipe's width."""
    words_a_row = shape[1] // (FEEDS[r.random_feed].elements if r.random_feed else r.block_cols)
    g = np.random.Generator(np.random.Philox(seed))
    most = (1 << 32) if r.rounds_elements else 1 << r.random_width
    words = g.integers(0, most, (r.draws, shape[0], words_a_row), dtype=np.uint64).astype(np.uint32)
    words[:, 0], words[:, 1] = 0, most - 1
    return list(words) if r.draws > 1 else words[0]


@pytest.fixture(scope="module")
def few():
    return cases()


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", RECIPES)
def test_model_equals_oracle(name, few):
    r = RECIPES[name]
    start = list(RECIPES).index(name)
    blocks = 0
    found = taken(r, few)  # of recipes that no preset is a third, another one for each
    for case in found if name in KNOWN else found[start % 3 :: 3]:
        arguments = arguments_for(case, r)
        x = case.x if r.group == r.block_cols else case.x.reshape(-1, r.group)
        t = fos_ref.trace(x, r, **arguments, random_bits=drawn(r, x.shape))
        number = x.size // (r.block_rows * r.block_cols)
        blocks += compare(x, t, arguments, EVERY, start % min(EVERY, number))
    assert blocks > 3


def test_the_gradient_of_te_by_name_has_the_oracles_bytes(few):
    """`quantize(x, "te-train-gradient", random_bits=words | (map, seed, offset))`."""
    x, name = np.tile(few[0].x.reshape(-1, 32), (2, 1)), ("te-tuned-row", 0x123456789ABCDEF0, 7)
    w = words(name[0], x.shape, seed=name[1], offset=name[2])
    t = fos_ref.trace(x, "te-train-gradient", random_bits=w)
    assert compare(x, t, {}, 1) == x.size // 16
    for bits in (w, name):
        q = fos_ref.quantize(x, "te-train-gradient", random_bits=bits)
        assert q.recipe.element_rounding is ElementRounding.TE_SOFTWARE
        assert q.codes.tobytes() == (t.codes[:, ::2] | t.codes[:, 1::2] << 4).astype(np.uint8).tobytes()
        assert q.block_scales.tobytes() == t.block_scales.tobytes()


@pytest.mark.parametrize(
    "wrong", [v for v in TensorScale if v is not TensorScale.OF_SCALES], ids=lambda v: v.name
)
def test_a_wrong_tensor_scale_of_corrected_scales_is_caught(wrong, few, monkeypatch):
    """No recipe has another one here, so the model itself takes it."""
    r, case = fos_ref.recipe("quartet2-eden"), few[0]
    right = quantize.TENSOR_SCALE
    words = drawn(r, case.x.shape)
    compare(case.x, fos_ref.trace(case.x, r, random_bits=words), {}, EVERY)
    monkeypatch.setattr(quantize, "TENSOR_SCALE", {**right, TensorScale.OF_SCALES: right[wrong]})
    t = fos_ref.trace(case.x, r, random_bits=words)
    with pytest.raises(AssertionError):
        compare(case.x, t, {}, EVERY)


@pytest.mark.parametrize("feed", FEEDS, ids=lambda f: f.value)
def test_the_oracle_deals_words_as_the_feeds_say(feed):
    words = np.random.default_rng(1).integers(0, 1 << 32, 50, dtype=np.uint64).astype(np.uint32)
    for width in (1, 5, FEEDS[feed].width):
        want = [n for w in words.tolist() for n in dealt(w, feed, width)]
        assert deal(words[None], Feed(feed.value), width)[0].tolist() == want


def test_feeds_and_widths_are_those_of_the_random_numbers():
    known = {f.value for f in RandomFeed} - {RandomFeed.HARDWARE_DECIDES.value}
    assert known == {f.value for f in Feed}
    for feed, word in FEEDS.items():
        theirs = Feed(feed.value)
        assert word == (len(THEIRS[theirs]), width_of(theirs))
    rounders = {*ElementRounding, *ScaleRounding} - {ElementRounding.NEAREST, ScaleRounding.NEAREST}
    free = {ElementRounding.SR_A, ElementRounding.SR_B, ElementRounding.SR_C}
    assert set(WIDTHS) == rounders - free


def test_rows_of_words_follow_rows_of_values():
    words = np.arange(24, dtype=np.uint32).reshape(1, 6, 4)
    assert RandomBits(words).rows(slice(2, 4)).words.tolist() == [[[8, 9, 10, 11], [12, 13, 14, 15]]]
