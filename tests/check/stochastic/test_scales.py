"""`check_stochastic` of corrected scales (MS-EDEN): mistakes are named, without words what is illegal."""

import sys
from collections import Counter

import numpy as np
import pytest

import fos_ref
from fos_ref.errors import InputError
from fos_ref.random import words
from fos_ref.verify import check_stochastic
from fos_ref.verify.distributions import make
from tests.check.stochastic import planted_scales as planted
from tests.docs.document import text_of

RECIPE, MAP = "quartet2-eden", "quartet2-scales"
SHAPE, LARGE = (64, 256), (256, 1024)
#: The map has no offset.
COUNTERS = {"seed": ("RngCounterMap", (5, 10)), "rounds": ("RngRounds", (0, 7))}  # by how far, how many
MISTAKES = (*planted.MISTAKES, *COUNTERS)
SUBNORMAL = ("stochastic below 2^-6", "zero below 2^-6")


def tensor(shape, seed, family="normal"):
    """Return a rotated tensor whose rows have scales down to E4M3's subnormals."""
    x = make(family, shape, seed, "float32")
    rows = np.random.default_rng(seed).integers(8, 16, (shape[0], 1))
    rows[0] = 0
    return (x * np.exp2(-rows)).astype(np.float32)


def named(mistake, shape=SHAPE, seed=3, family="normal", bits=True):
    """Return (the flag of a mistake, the diagnosis)."""
    x, name = tensor(shape, seed, family), (MAP, seed, 0)
    if mistake in COUNTERS:
        flag, (by, rounds) = COUNTERS[mistake]
        codes, scales, _ = planted.made(x, words(MAP, shape, seed=seed + by, rounds=rounds))
    else:
        codes, scales, flag = planted.made(x, words(MAP, shape, seed=seed), mistake)
    return flag, check_stochastic(x, codes, scales, RECIPE, name if bits else None)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_first_with_the_words(mistake):
    flag, found = named(mistake)
    assert not found
    assert found.flags[0] == flag


def test_the_planted_kernel_without_a_mistake_is_right():
    _, found = named(None)
    assert (found.equal, found.wrong_scales) == (True, 0)


@pytest.mark.parametrize("recipe", ["quartet2-eden", "quartet2-simulator-eden"])
def test_right_bytes_are_equal_with_the_words_and_legal_without(recipe):
    x, drawn = tensor(SHAPE, 5), (MAP, 5, 0) if recipe == RECIPE else ("quartet2-simulator-scales", 5, 0)
    q = fos_ref.quantize(x, recipe, random_bits=drawn)
    for bits in (drawn, words(drawn[0], SHAPE, seed=5), None):
        found = check_stochastic(x, q.codes, q.block_scales, recipe, bits)
        assert (found.equal, found.wrong_scales, found.illegal) == (True, 0, 0)
    q.block_scales[0, 0] ^= 0x10
    for bits in (drawn, None):
        assert check_stochastic(x, q.codes, q.block_scales, recipe, bits).flags == ("Unexplained",)
    q.block_scales[0, 0] ^= 0x10
    q.codes[0, 0] ^= 0x44
    found = check_stochastic(x, q.codes, q.block_scales, recipe, drawn)
    assert (found.flags, found.wrong_codes, found.wrong_scales) == (("Unexplained",), 2, 0)
    swapped = q.codes << 4 | q.codes >> 4
    assert check_stochastic(x, swapped, q.block_scales, recipe, drawn).flags[0] == "NibbleOrder"


def test_the_simulator_s_mistakes_are_the_reverse():
    """Nearest below 2^-6, and a correction of each block; the second by way of the trace's own steps."""
    name, drawn = "quartet2-simulator-eden", ("quartet2-simulator-scales", 5, 0)
    x = tensor(SHAPE, 5)
    q, t = (f(x, name, random_bits=drawn) for f in (fos_ref.quantize, fos_ref.trace))
    small = np.where(t.map6.base < 2**-6, planted.to_nearest(t.map6.base), q.block_scales)
    assert check_stochastic(x, q.codes, small, name, drawn).flags[0] == "ScaleSrSubnormal"
    v, values = (a.astype(float) for a in (t.map6.scaled, t.map6.values))
    sums = [(a.reshape(len(x), -1, n)).sum(axis=2) for n in (16, 128) for a in (v * v, v * values)]
    factor = sums[0] / sums[1] / np.repeat(sums[2] / sums[3], 8, axis=1)
    each = (t.map6.base * factor).astype(np.float32)
    below, nu = planted.places(each)
    uniform = fos_ref.random.programs.triton_uniform(words(drawn[0], SHAPE, seed=5))
    found = check_stochastic(x, q.codes, (below + (uniform < nu)).astype(np.uint8), name, drawn)
    assert found.flags[0] == "EdenGroup128"


def test_without_words_what_no_number_gives_is_named():
    for mistake in ("corrected over 128", "to nearest", *SUBNORMAL[:1]):
        flag, found = named(mistake, bits=False)
        assert found.flags[:1] == (flag,)
        assert found.wrong_codes is None
    assert named("8 of 16 random bits", bits=False)[1].equal


def test_other_words_and_a_rotation():
    x = tensor(SHAPE, 5)
    q = fos_ref.quantize(x, RECIPE, random_bits=(MAP, 5, 0))
    own = words(MAP, SHAPE, seed=5) ^ np.uint32(0x5EED)
    found = check_stochastic(x, q.codes, q.block_scales, RECIPE, own)
    assert found.flags == ("RngCounterMap",)
    with pytest.raises(InputError, match="x is what is quantized, after its rotation"):
        check_stochastic(x, q.codes, q.block_scales, RECIPE, own, rotate=0)


@pytest.mark.exhaustive
def test_figures(capsys):
    """At least 95 % of mistakes are named first with the words."""
    cases = [(m, LARGE, s, f) for m in MISTAKES for s in range(5) for f in ("normal", "student-t3")]
    first = Counter(m for m, *how in cases if (r := named(m, *how))[1].flags[:1] == (r[0],))
    with capsys.disabled():
        sys.stdout.write(
            "\n".join(["", *(f"{m}: first {first[m]} of 10 with the words" for m in MISTAKES), ""])
        )
    figure = f"{len(MISTAKES)} kinds in corrected scales in {first.total()} of {len(cases)}"
    assert figure in " ".join(text_of("training.md").split())
    assert all(first[m] >= 9 for m in MISTAKES)
    assert first.total() >= 0.95 * len(cases)
