"""Judging stochastic kernels: mistakes are named first with the bits, and alarm without them."""

import numpy as np
import pytest

from fos_ref.errors import InputError, ShapeError
from fos_ref.formats import E2M1, UE4M3
from fos_ref.inputs.distributions import make
from fos_ref.random import deal, Feed, Rule, stochastic, words
from fos_ref.random.judge import causes, outcomes, statistics
from fos_ref.random.programs import quartet2_simulator, te_software, triton_uniform
from tests.random import planted
from tests.random.experiments import scaled

SHAPE = (256, 512)
X = make("normal", SHAPE, 4, "float32")
Y = scaled(X, factor=16 / 17).y.reshape(SHAPE)
WORDS = words("te-tuned-row", SHAPE, seed=11)
BITS = deal(WORDS, Feed.BYTE_NATURAL)

FLAGS = {
    "one byte for four values": "SrSharedNoise",
    "noise shared by all rows": "SrSharedNoise",
    "4 random bits": "SrBitsNarrow",
    "2 random bits": "SrBitsNarrow",
    "1 random bit": "SrBitsNarrow",
    "noise from 0 to 191": "SrRule",
    "noise 16 too large": "SrRule",
    "stochastic below 1 only": "SrRule",
}


SOME = slice(64)


def explained(codes, **more):
    return causes(Y[SOME], codes[SOME], WORDS[SOME], rule=Rule.A, feed=Feed.BYTE_NATURAL, **more)


@pytest.mark.parametrize("mistake", FLAGS)
def test_a_planted_mistake_is_named_first_and_explains_every_code(mistake):
    first = explained(planted.rounded(mistake, Y, BITS))[0]
    assert (first.flag, first.differing) == (FLAGS[mistake], 0)


def test_what_else_is_named_first():
    other = words("te-general-row", SHAPE, seed=11)
    seven = words("te-tuned-row", SHAPE, seed=11, rounds=7)
    more = {"others": {"general": ("RngCounterMap", other[SOME]), "7 rounds": ("RngRounds", seven[SOME])}}
    planted_codes = {
        "SrBitFeed": stochastic(Y, deal(WORDS, Feed.BYTE_LANE), Rule.A, 8),
        "SrRule": stochastic(Y, BITS, Rule.C, 8),
        "RngCounterMap": stochastic(Y, deal(other, Feed.BYTE_NATURAL), Rule.A, 8),
        "RngRounds": stochastic(Y, deal(seven, Feed.BYTE_NATURAL), Rule.A, 8),
    }
    for flag, codes in planted_codes.items():
        first = explained(codes, **more)[0]
        assert (first.flag, first.differing) == (flag, 0)
    assert explained(stochastic(Y, BITS, Rule.A, 8), **more) == ()


def test_te_s_software_form_is_told_from_rule_a_on_the_few_values_that_differ():
    edge = np.nextafter(np.float32(0.5) * ((256 - BITS) / 256).astype(np.float32), np.float32(0))
    codes = te_software(edge, BITS)
    first = causes(edge[SOME], codes[SOME], WORDS[SOME], rule=Rule.A, feed=Feed.BYTE_NATURAL)[0]
    assert (first.what, first.differing) == ("TransformerEngine's software form", 0)


#: mistake -> a test that alarms without the bits, against the chances of rule A with 8
SEEN = {
    "one byte for four values": "pairs 1 columns apart",
    "noise shared by all rows": "pairs 1 rows apart",
    "2 random bits": "share of ups",
    "1 random bit": "share of ups",
    "noise from 0 to 191": "share of ups",
    "noise 16 too large": "share of ups",
    "stochastic below 1 only": "ups of nu in [1/8, 2/8)",  # the whole share is as it should be
    "4 random bits": "share of ups",
}


@pytest.mark.sample(1)
@pytest.mark.parametrize("mistake", SEEN)
def test_statistics_alarm_without_the_bits(mistake):
    verdict = statistics(outcomes(Y, planted.rounded(mistake, Y, BITS), Rule.A, 8), np.abs(Y))
    assert SEEN[mistake] in [t.what for t in verdict.alarms]


@pytest.mark.parametrize(
    ("name", "what"),
    [("fouroversix-triton", "pairs 16 rows apart"), ("torchao-cute-column", "pairs 256 columns apart")],
)
def test_programs_that_share_words_are_seen_to(name, what):
    codes = stochastic(Y, deal(words(name, SHAPE, seed=5), Feed.BYTE_NATURAL), Rule.A, 8)
    verdict = statistics(outcomes(Y, codes, Rule.A, 8), np.abs(Y))
    assert what in [t.what for t in verdict.alarms]
    assert verdict.flags[0] == "SrSharedNoise"
    assert verdict.illegal == 0


@pytest.mark.long
@pytest.mark.parametrize(
    "seeds", [range(3), pytest.param(range(3, 200), marks=pytest.mark.exhaustive)], ids=["few", "many"]
)
def test_a_right_rounder_raises_no_alarm(seeds):
    """Words of a map that shares nothing stand in for independent bits; one alarm in 10,000 is allowed."""
    for seed in seeds:
        bits = deal(words("te-fused-row", SHAPE, seed=seed), Feed.BYTE_LANE)
        seen = outcomes(Y, stochastic(Y, bits, Rule.A, 8), Rule.A, 8)
        verdict = statistics(seen, np.abs(Y), false_alarm=1e-4)
        assert verdict.alarms == ()
        assert (verdict.values, verdict.illegal, verdict.flags) == (Y.size, 0, ())


def test_codes_that_no_random_number_gives_are_certain():
    codes = stochastic(Y, BITS, Rule.A, 8)
    codes[0, 0] ^= 8
    verdict = statistics(outcomes(Y, codes, Rule.A, 8))
    assert (verdict.illegal, verdict.moved, verdict.flags) == (1, 0, ("SrRule",))
    grid = np.tile(np.array([0.5, 1.5, 2, 4], np.float32), (4, 4))
    uniform = triton_uniform(words("quartet2-simulator", (16, 16), seed=1))[:4]
    verdict = statistics(outcomes(grid, quartet2_simulator(grid, uniform), Rule.A, 8))
    assert verdict.moved == verdict.illegal > 0
    assert verdict.flags == ("SrGridNoise",)


def test_ideal_bits_and_rule_c_have_chances_of_their_own():
    y = np.array([0.3, 0.3, 5.9, 7], np.float32)
    seen = [
        outcomes(y, np.array([0, 1, 7, 7]), rule, 4).chance.tolist()
        for rule in (None, Rule.A, Rule.B, Rule.C)
    ]
    nu = [float(np.float32(0.3)) * 2, (float(np.float32(5.9)) - 4) / 2]
    assert seen[0] == [nu[0], nu[0], nu[1], 0]
    assert [s[0] * 16 for s in seen[1:]] == [9, 10, 10]
    assert outcomes(y, np.array([0, 1, 7, 7]), None, 4).up.tolist() == [False, True, True, False]


def test_what_cannot_be_judged_is_refused():
    with pytest.raises(ShapeError, match="one shape is allowed"):
        outcomes(np.zeros(3), np.zeros(4, int), Rule.A, 8, E2M1)
    with pytest.raises(InputError, match="finite ones"):
        outcomes(np.array([np.nan]), np.zeros(1, int), Rule.A, 8, E2M1)
    with pytest.raises(InputError, match="UE4M3"):
        outcomes(np.zeros(1), np.zeros(1, int), Rule.A, 8, UE4M3)
