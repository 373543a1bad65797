"""Which contender is before which: blocks of damaged weights are equal by chance, and choose no leader."""

from __future__ import annotations

import numpy as np
import pytest

from fos_ref.inspect.contenders import Contender
from fos_ref.inspect.scales import makes_one
from fos_ref.inspect.search import GRACE, Search
from fos_ref.recipes import PRESETS

#: Of a weight of so many blocks: how many each contender gives. The first is the one that is preferred.
WHOLE = (128, [128, 128, 128])


def order(*weights, own=(6, 6, 6)):
    """Return the places of three contenders, the best first, and how many share the first place."""
    names = ("4over6", "nvfp4", "te-nvfp4")
    search = Search([Contender(PRESETS[n], (n,)) for n in names], 0)
    for blocks, equal in weights:
        search.set_back(dict(enumerate(equal)), blocks)
        for c, n in zip(search.contenders, equal, strict=True):
            c.blocks, c.equal = c.blocks + blocks, c.equal + n
    for c, n in zip(search.contenders, own, strict=True):
        c.own_tensor_scales = n
    found = search.ranked()
    places = [search.contenders.index(c) for c in found]
    return places, sum(c.standing == found[0].standing for c in found)


CASES = {
    "a block more by chance, and not one own tensor scale": (
        [(256, [126, 127, 128]), WHOLE, WHOLE],
        (6, 6, 0),
        ([0, 1, 2], 2),
    ),
    "many more by chance": ([(256, [90, 128, 60]), WHOLE], (6, 0, 0), ([0, 1, 2], 1)),
    "own tensor scales alike: more than the grace": (
        [(256, [90, 100, 128]), WHOLE],
        (6, 6, 6),
        ([2, 1, 0], 1),
    ),
    "own tensor scales alike: within the grace": (
        [(256, [128 - GRACE, 127, 128]), WHOLE],
        (6, 6, 6),
        ([0, 1, 2], 3),
    ),
    "one block in a weight that another gives whole": (
        [(256, [64, 64, 40]), (128, [127, 128, 120])],
        (6, 6, 6),
        ([1, 0, 2], 1),
    ),
    "three blocks where one is damaged": ([(256, [252, 255, 254])], (6, 6, 6), ([1, 2, 0], 2)),
    "weights of two dialects": ([(128, [128, 60, 0]), (256, [100, 256, 0])], (2, 2, 2), ([1, 0, 2], 1)),
    "none gives much": ([(256, [30, 100, 60])], (1, 1, 1), ([1, 2, 0], 1)),
    "none gives anything": ([(256, [0, 0, 2])], (1, 1, 1), ([2, 0, 1], 1)),
}


@pytest.mark.parametrize("case", CASES)
def test_what_a_damaged_weight_says_of_contenders(case):
    weights, own, wanted = CASES[case]
    assert order(*weights, own=own) == wanted
    assert order(*reversed(weights), own=own) == wanted  # whichever comes first


def test_a_recipe_without_a_tensor_scale_makes_none_but_1():
    """Else it would have the tensor scale of every weight for its own."""
    for name, makes in (("ggml-nvfp4", False), ("4over6", True)):
        assert makes_one(PRESETS[name], np.float32(0.01)) is makes
        assert makes_one(PRESETS[name], np.float32(1))
        assert makes_one(PRESETS[name], None)


def test_one_that_was_dropped_is_never_before_one_that_was_not():
    search = Search([Contender(PRESETS[n], (n,)) for n in ("4over6", "nvfp4")], 0)
    search.contenders[0].dropped = True
    search.contenders[0].equal = 100
    assert search.ranked() == search.contenders[::-1]
