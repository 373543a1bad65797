"""The replay sees one wrong nibble, one wrong scale, one wrong amax; and nothing where all is right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fos_ref.pretrain.arms import ARMS
from fos_ref.pretrain.captured import Captured, Codes
from fos_ref.pretrain.places import bits, places_of, signs, Sizes
from fos_ref.pretrain.replay import replay
from fos_ref.training import linear
from tests.pretrain.layers import arrays

SIZES = Sizes(128, 128, 128)


@pytest.fixture(scope="module")
def right():
    """Return a captured layer of Quartet II's arm, its places, its seed."""
    places, seed, step = places_of(ARMS["quartet2"].stack, [SIZES, SIZES]), 4, 9
    given = arrays(SIZES)
    words = {
        o.name: found[0] for o in places.stack.operands if (found := bits(places, 1, o.name, seed, step))
    }
    made = linear(*given.values(), places.stack, words, signs=signs(places, 1, seed, step)).made
    codes = {n: Codes(m.tensor.codes, m.tensor.block_scales, m.tensor.tensor_amax) for n, m in made.items()}
    return Captured(run="r", step=step, layer=1, name="n", operands=codes, **given), places, seed


def test_nothing_differs(right):
    found = replay(*right)
    assert (found.differing, found.amaxes, found.codes) == (0, 6, 6 * 128 * 128)


@pytest.mark.parametrize("part", ["codes", "block_scales", "amax"])
def test_one_wrong_part_is_seen(right, part):
    captured, places, seed = right
    own = captured.operands["wgrad_x"]
    wrong = np.array(getattr(own, part))
    wrong.reshape(-1).view(np.uint8)[0] ^= 1
    operands = {**captured.operands, "wgrad_x": replace(own, **{part: wrong})}
    assert replay(replace(captured, operands=operands), places, seed).differing == 1


def test_another_step_or_seed_is_seen(right):
    captured, places, seed = right
    assert replay(captured, places, seed + 1).differing > 1000
    assert replay(replace(captured, step=captured.step + 1), places, seed).differing > 1000
