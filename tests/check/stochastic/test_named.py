"""`check_stochastic`: planted mistakes are named first with the words, and most alarm without."""

import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

import fos_ref
from fos_ref.errors import InputError
from fos_ref.random import words
from fos_ref.recipes.axes import Candidates, RangeFactor, TensorScale
from fos_ref.verify import check_stochastic
from fos_ref.verify.distributions import make
from tests.check.stochastic import planted
from tests.docs.document import text_of

RECIPE = "te-train-gradient-byte-lane"
MAP = ("te-tuned-row", 7, 40)
SHAPE, LARGE = (48, 128), (256, 512)
PAGE = " ".join(text_of("training.md").split())
COUNTERS = ("seed", "offset", "map", "rounds")
SCALING = tuple(m for m in planted.OF_SCALING if m is not None)
MISTAKES = (*planted.NOISE, *planted.ROUNDERS, *COUNTERS, "bytes in order", *SCALING)
#: The recipe that a mistake is one of, if it is another.
RECIPES = {
    "no 16/17": replace(
        fos_ref.recipe(RECIPE), name="unbiased", range_factor=RangeFactor.SIXTEEN_SEVENTEENTHS
    )
}
#: Gradients as they come, and values that E2M1 has.
FAMILY = {"values of the format moved": "coarse"}


def counters(shape, seed, offset):
    """Return what wrong counters give."""
    return {
        "seed": ("RngCounterMap", words(MAP[0], shape, seed=seed + 1, offset=offset)),
        "offset": ("RngCounterMap", words(MAP[0], shape, seed=seed, offset=offset + 4)),
        "map": ("RngCounterMap", words("te-general-row", shape, seed=seed, offset=offset)),
        "rounds": ("RngRounds", words(MAP[0], shape, seed=seed, offset=offset, rounds=7)),
    }


def tensor(mistake, shape, seed, family="normal"):
    return make(FAMILY.get(mistake, family), shape, seed, "bfloat16")


def named(mistake, shape=SHAPE, seed=7, family="normal", bits=True):
    """Return (the flag of a mistake, the diagnosis)."""
    x, name = tensor(mistake, shape, seed, family), (MAP[0], seed, MAP[2])
    drawn = words(name[0], shape, seed=seed, offset=name[2])
    codes, scales, flag = planted.made(x, drawn, mistake, counters(shape, seed, name[2]))
    return flag, check_stochastic(x, codes, scales, RECIPES.get(mistake, RECIPE), name if bits else None)


@pytest.mark.sample(8)
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_first_with_the_words(mistake):
    flag, found = named(mistake)
    assert not found
    assert found.flags[0] == flag


@pytest.mark.parametrize("mistake", planted.ROTATIONS)
def test_a_mistake_of_the_rotation_is_named_first(mistake):
    x, drawn = make("normal", SHAPE, 3, "bfloat16"), words(MAP[0], SHAPE, seed=7, offset=40)
    codes, scales, flag = planted.rotating(x, drawn, mistake)
    found = check_stochastic(x, codes, scales, RECIPE, MAP, rotate=planted.SIGNS)
    assert found.flags[0] == flag


def test_right_kernels_are_equal_with_the_words_and_raise_no_alarm_without():
    x, drawn = make("normal", SHAPE, 5, "bfloat16"), words(MAP[0], SHAPE, seed=7, offset=40)
    codes, scales, _ = planted.made(x, drawn)
    q = fos_ref.quantize(x, RECIPE, random_bits=MAP)
    assert codes.tobytes() == q.codes.tobytes()
    for recipe in (RECIPE, "te-train-gradient-cvt-rs"):
        for bits in (MAP, drawn):
            found = check_stochastic(x, codes, scales, recipe, bits)
            assert (found.equal, found.wrong_codes, found.feed) == (True, 0, "byte-lane")
        assert check_stochastic(x, codes, scales, recipe).flags == ()
    codes, scales, _ = planted.rotating(x, drawn)
    found = check_stochastic(x, codes, scales, RECIPE, MAP, rotate=planted.SIGNS)
    assert found.equal
    assert found.undecided < found.scales // 100


@pytest.mark.parametrize("recipe", ["fouroversix-sr-4over6", "quartet2-simulator-sr", "fouroversix-sr"])
def test_other_rounders_are_equal_with_their_words_and_legal_without(recipe):
    x, r = make("normal", (32, 64), 5, "bfloat16"), fos_ref.recipe(recipe)
    each = [np.random.default_rng(k).integers(0, 1 << 32, (32, 64), dtype=np.uint32) for k in range(r.draws)]
    bits = each if r.draws > 1 else each[0]
    q = fos_ref.quantize(x, r, random_bits=bits)
    assert check_stochastic(x, q.codes, q.block_scales, r, bits).equal
    assert check_stochastic(x, q.codes, q.block_scales, r).equal
    q.codes[0, 0] ^= 0x44
    assert not check_stochastic(x, q.codes, q.block_scales, r, bits)
    assert check_stochastic(x, q.codes, q.block_scales, r).illegal > 0


def test_chance_where_the_nearest_was_meant_and_unknown_words():
    x, drawn = make("normal", SHAPE, 5, "bfloat16"), words(MAP[0], SHAPE, seed=7, offset=40)
    codes, scales, _ = planted.made(x, drawn)
    assert check_stochastic(x, codes, scales, "te-cuda-nvfp4", drawn).flags == ("StochasticRounding",)
    assert check_stochastic(x, codes, scales, "te-cuda-nvfp4").flags == ("StochasticRounding",)
    found = check_stochastic(x, codes, scales, RECIPE, drawn ^ np.uint32(0x5EED5EED))
    assert found.flags == ("RngCounterMap",)
    assert found.to_dict()["causes"][0]["left"] is None
    assert "by other words" in str(found)


def test_what_is_not_judged_is_refused():
    x = make("normal", (4, 32), 0)
    q = fos_ref.quantize(x, "nvfp4")
    given = (x, q.codes, q.block_scales)
    plain = {"candidates": Candidates.SIX, "tensor_scale": TensorScale.DECODE_QUOTIENT}
    alone = replace(fos_ref.recipe("quartet2-eden"), **plain)
    with pytest.raises(InputError, match="is not judged by its draws"):
        check_stochastic(*given, alone)
    with pytest.raises(InputError, match="false_alarm 2: a number between 0 and 1 is allowed"):
        check_stochastic(*given, RECIPE, false_alarm=2)


@pytest.mark.parametrize("choice", ["", "-absmax"])
def test_fouroversix_without_its_factor_and_the_reverse(choice):
    x, bits = make("normal", (32, 128), 3, "bfloat16"), ("fouroversix-triton", 7, 0)
    plain, unbiased = (f"fouroversix-triton-sr{u}{choice}-byte-lane" for u in ("", "-unbiased"))
    for made, asked, what in ((plain, unbiased, "no factor 16/17"), (unbiased, plain, "a factor 16/17")):
        q = fos_ref.quantize(x, made, random_bits=bits)
        first = check_stochastic(x, q.codes, q.block_scales, asked, bits).causes[0]
        assert (first.flag, first.what) == ("SrClipNo16_17", what)


#: Mistakes that every marginal test passes, or that move a large share of all codes.
@pytest.mark.sample(1)
@pytest.mark.parametrize("mistake", ["all rows share", "2 random bits", "nearest even"])
def test_statistics_see_without_the_words(mistake):
    flag, found = named(mistake, LARGE, bits=False)
    assert flag in found.flags


@pytest.mark.exhaustive
def test_figures(capsys):
    """At least 95 % of mistakes are named first with the words; without, those that can be seen alarm."""
    cases = [(m, LARGE, s, f) for m in MISTAKES for s in range(5) for f in ("normal", "heavy-tailed")]
    first = Counter(m for m, *how in cases if (r := named(m, *how))[1].flags[:1] == (r[0],))
    x = [make(f, LARGE, s, "bfloat16") for s in range(5) for f in ("normal", "heavy-tailed")]
    for m in planted.ROTATIONS:
        for s, values in enumerate(x):
            bits = (MAP[0], s, 0)
            codes, scales, flag = planted.rotating(values, words(MAP[0], values.shape, seed=s), m)
            found = check_stochastic(values, codes, scales, RECIPE, bits, rotate=planted.SIGNS)
            first[m] += found.flags[:1] == (flag,)
    seen = Counter()
    for m, *how in cases:
        flag, found = named(m, *how, bits=False)
        seen[m] += not found.equal
    figures = {m: (first[m], seen[m]) for m in (*MISTAKES, *planted.ROTATIONS)}
    said = [f"{m}: first {a} of 10 with the words; alarms {b} of 10 without" for m, (a, b) in figures.items()]
    with capsys.disabled():
        sys.stdout.write("\n".join(["", *said, ""]))
    every = (*MISTAKES, *planted.ROTATIONS)
    assert f"{len(every)} kinds in elements and rotations are named first in {first.total()} of" in PAGE
    alarming, silent = (sum(seen[m] == n for m in MISTAKES) for n in (10, 0))
    assert f"{alarming} of the {len(MISTAKES)} kinds in elements alarm in every tensor" in PAGE
    assert f"the other {silent} in none" in PAGE
    assert first.total() >= 0.95 * 10 * (len(MISTAKES) + len(planted.ROTATIONS))
    assert all(first[m] >= 9 for m in (*MISTAKES, *planted.ROTATIONS))
    blind = {*COUNTERS, "bytes in order", "rows in reverse", "ties of noise to even"}
    assert {m for m in MISTAKES if seen[m] < 9} <= blind


@pytest.mark.exhaustive
def test_1000_right_kernels_alarm_no_more_often_than_stated(capsys):
    """With a rate of 0.01 at most 10 of 1,000 are expected; the bound is far from tight."""
    x = make("normal", (64, 256), 0, "bfloat16")
    alarms = 0
    for seed in range(1000):
        codes, scales, _ = planted.made(x, words(MAP[0], x.shape, seed=seed))
        alarms += not check_stochastic(x, codes, scales, RECIPE, false_alarm=0.01).equal
    with capsys.disabled():
        sys.stdout.write(f"\nalarms of right kernels: {alarms} of 1000 at a stated rate of 0.01\n")
    assert alarms <= 10
