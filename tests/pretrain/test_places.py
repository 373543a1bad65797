"""Which word rounds which value: by the word map of memory order, and disjoint for every operand."""

from __future__ import annotations

import numpy as np
import pytest

from fos_ref import random
from fos_ref.engines.random_bits import elements_of
from fos_ref.errors import InputError
from fos_ref.pretrain.arms import ARMS
from fos_ref.pretrain.places import bits, drawn, key_of, MAP, places_of, ROW, shape_of, signs, Sizes
from fos_ref.recipes.catalog import recipe

SIZES = (Sizes(128, 128, 256), Sizes(128, 256, 128))
QUANTIZED = [n for n, a in ARMS.items() if a.stack is not None]


@pytest.mark.parametrize("name", QUANTIZED)
def test_every_word_serves_one_place(name):
    stack = ARMS[name].stack
    places = places_of(stack, SIZES)
    used = np.zeros(places.words, dtype=int)
    for i, sizes in enumerate(SIZES):
        for o in stack.operands:
            r = recipe(o.recipe)
            regions = places.region(i, o.name)
            assert len(regions) == (r.draws if r.stochastic else 0)
            for start, rows, groups in regions:
                assert (rows, groups * elements_of(r)) == shape_of(o, sizes)
                used[start : start + rows * groups] += 1
        used[places.signs + 4 * i : places.signs + 4 * i + 4] += 1
    assert used.max() == 1
    assert used.sum() > places.words - ROW


def test_words_are_those_of_the_map_in_memory_order():
    """A card draws a step's words by the map; the host draws an operand's by counters."""
    places = places_of(ARMS["quartet2"].stack, SIZES)
    seed, step = 12345, 678
    flat = random.words(MAP, (places.words // ROW, ROW), seed=key_of(seed, step)).ravel()
    ((start, rows, groups),) = places.region(1, "wgrad_g")
    own = flat[start : start + rows * groups].reshape(rows, groups)
    (got,) = bits(places, 1, "wgrad_g", seed, step)
    assert (got == own >> 16).all()
    assert (drawn(places.signs, 8, seed, step) == flat[places.signs : places.signs + 8]).all()
    four = flat[places.signs + 4 : places.signs + 8]
    want = [-1 if int(four[i // 32]) >> (i % 32) & 1 else 1 for i in range(128)]
    assert signs(places, 1, seed, step) == want


def test_two_draws_of_an_operand_differ():
    places = places_of(ARMS["gradients-4over6"].stack, SIZES)
    six, four = bits(places, 0, "dgrad_g", 0, 0)
    assert (six != four).mean() > 0.99


def test_a_step_of_too_many_words_is_refused():
    with pytest.raises(InputError, match="fewer than 2\\^32 are allowed"):
        places_of(ARMS["gradients-4over6"].stack, [Sizes(1 << 20, 2048, 2048)])
