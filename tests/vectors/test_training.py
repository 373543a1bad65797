"""v1/training.json: the oracle, rationals and plain Python give its bits, a changed word is found."""

from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref import rotate
from fos_ref.errors import GoldenFormatError
from fos_ref.oracle import rotation, stochastic
from fos_ref.oracle.random_elements import dealt
from fos_ref.proof.oracle.agree import compare
from fos_ref.recipes.axes import RandomFeed
from fos_ref.vectors.canonical import canonical, parse
from fos_ref.vectors.training import document as training
from fos_ref.vectors.training.tensors import recipes
from tests.meta.tree import ROOT
from tests.random.kernels import fused_draws
from tests.training import test_replay as replay

DATA = (ROOT / "golden" / training.NAME).read_bytes()
VECTORS = training.read(DATA)
FLAGS = {
    "words": {"RngRounds", "RngCounterMap"},
    "rounding": {"SrRule", "SrBitsNarrow", "SrSharedNoise", "SrGridNoise", "SrBitFeed"},
    "rotation": {"RhtSigns", "RhtNoRound", "RhtMissing"},
    "quantize": {"SrRule", "SrBitsNarrow", "SrSharedNoise", "SrBitFeed", "RngCounterMap"},
}


def of(step):
    return [v for v in VECTORS if v["step"] == step]


def named(step):
    return pytest.mark.parametrize("v", of(step), ids=lambda v: v["id"].partition("/")[2])


def numbers(text):
    return [int(w, 16) for w in text.split(" ")]


def bits_of(rows, dtype):
    return np.array([numbers(row) for row in rows], f"u{np.dtype(dtype).itemsize}").view(dtype)


def floats(text, dtype=np.float32):
    return bits_of([text], dtype)[0]


@pytest.mark.long
def test_the_committed_inputs_are_what_is_drawn_and_what_they_give():
    drawn = [v for given, _ in training.STEPS.values() for v in given()]
    assert [{k: v[k] for k in d} for v, d in zip(VECTORS, drawn, strict=True)] == drawn
    assert [f for v in VECTORS[::6] for f in training.failures(v, "numpy")] == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_the_committed_file_is_what_every_engine_gives(engine):
    assert canonical(training.document()) == DATA
    assert [f for v in VECTORS for f in training.failures(v, engine)] == []


@named("philox")
def test_philox_by_whole_numbers(v):
    got = stochastic.philox4x32(numbers(v["counter"]), numbers(v["key"]), v["rounds"])
    assert numbers(v["words"]) == list(got)


def test_words_of_the_fused_kernel_thread_by_thread():
    seen = 0
    for v in of("words"):
        if v["map"].startswith("te-fused") and int(v["seed"], 16) == replay.SEED:
            places = fused_draws(tuple(v["shape"]))[v["map"] == "te-fused-column"]
            assert int(v["offset"], 16) == replay.OFFSET
            for r, row in zip(v["rows"], v["words"], strict=True):
                assert numbers(row) == [replay.word(place) for place in places[r][:8]]
                seen += 1
    assert seen == 8


@named("rounding")
def test_rounding_by_rationals(v):
    r = [n for w in numbers(v["random_bits"]) for n in dealt(w, RandomFeed(v["feed"]), v["bits"])]
    assert numbers(v["numbers"]) == r
    for y, number, code in zip(floats(v["values_bits"]), r, numbers(v["codes"]), strict=True):
        if np.isnan(y):
            assert code == 7  # as cvt does: the largest value, without a sign
            continue
        size = Fraction(min(abs(float(y)), 100.0))
        want = stochastic.index(size, replay.GRID, v["rule"], v["bits"], number)
        assert code == want | 8 * bool(np.signbit(y)), (y, number)


@named("rotation")
def test_rotations_by_rationals(v):
    x = [Fraction(float(y)) for y in floats(v["x_bits"], ml_dtypes.bfloat16)]
    exact = [rotation.to_bfloat16(y) for y in rotation.rotate(x, int(v["signs"], 16))]
    assert [Fraction(float(y)) for y in floats(v["y_bits"], ml_dtypes.bfloat16)] == exact
    assert set(numbers(v["decided"])) <= {0, 1}


@pytest.mark.sample(30)
@named("quantize")
def test_tensors_by_the_oracle(v):
    x = bits_of(v["x_bits"], {"float32": np.float32, "bfloat16": ml_dtypes.bfloat16}[v["dtype"]])
    words = [bits_of(w, np.uint32) for w in v["random_bits"]]
    amax = None if v["amax_bits"] is None else floats(v["amax_bits"])[0]
    more = {} if amax is None else {"amax": amax}
    r = fos_ref.recipe(v["recipe"])
    t = fos_ref.trace(x, r, **more, random_bits=words if r.draws > 1 else words[0])
    every = 1 if x.size <= 256 else 17
    assert compare(x, t, more, every, 0) > 0
    codes = np.array([numbers(row) for row in v["codes"]])
    assert (codes & 15 == t.codes[:, ::2]).all()
    assert (codes >> 4 == t.codes[:, 1::2]).all()
    assert [numbers(row) for row in v["block_scales"]] == t.block_scales.tolist()


@named("chain")
def test_a_chain_by_plain_python(v):
    x = bits_of(v["x_bits"], ml_dtypes.bfloat16)
    assert (int(v["seed"], 16), int(v["offset"], 16)) == (replay.SEED, replay.OFFSET)
    assert set(v["flags_shown"]) == {"SrBitFeed", "RngRounds", "RngCounterMap", "RhtSigns", "RhtMissing"}
    feed = v["recipe"].removeprefix("te-train-gradient-")
    turned, _ = rotate.hadamard(np.ascontiguousarray(x.T))
    blocks = [[Fraction(float(y)) for y in x[t : t + 16, 5]] for t in range(0, 64, 16)]
    exact = [rotation.to_bfloat16(y) for b in blocks for y in rotation.rotate(b, int(v["signs"], 16))]
    assert turned[5].astype(float).tolist() == [float(y) for y in exact]
    for side, values, places in zip(("row", "column"), (x, turned), fused_draws(x.shape), strict=True):
        amax = floats(v[side]["tensor_amax_bits"])[0]
        assert amax == np.abs(values.astype(np.float32)).max()
        for r in (0, 5, 63):
            codes, scales = replay.replayed(values[r], amax, places[r], feed)
            packed = [a | b << 4 for a, b in zip(codes[::2], codes[1::2], strict=True)]
            assert numbers(v[side]["codes"][r]) == packed
            assert numbers(v[side]["block_scales"][r]) == scales


def test_every_flag_and_every_recipe_has_vectors():
    for step, flags in FLAGS.items():
        assert {name.partition("-")[0] for v in of(step) for name in v["wrong"]} == flags
    assert {v["recipe"] for v in of("quantize")} == set(recipes())
    corrected = [v for v in of("quantize") if v["steps"] is not None]
    assert {v["recipe"] for v in corrected} == {"quartet2-eden", "quartet2-simulator-eden"}
    assert 0 < sum(0 in numbers(v["decided"]) for v in of("rotation")) < len(of("rotation"))
    turned = {(v["rule"], v["bits"]) for v in of("rounding")}
    assert turned >= {(rule, n) for rule in ("sr-a", "sr-b", "sr-c") for n in (8, 13, 16)}
    assert len(DATA) < 1_000_000


@pytest.mark.parametrize("step", training.STEPS)
def test_another_bit_is_a_failure(step):
    v = of(step)[0]
    assert training.failures(v, "numpy") == []
    field = {"rounding": "codes", "rotation": "y_bits", "quantize": "codes", "chain": "row"}.get(
        step, "words"
    )
    assert [f.what for f in training.failures(v | {field: "00"}, "numpy")] == [field]


def test_another_form_is_refused():
    few = [VECTORS[0], of("quantize")[0]]
    wrong = (
        {"recipe": "nvfp4"},
        {"fingerprint": "0" * 64},
        {"codes": "00"},
        {"id": VECTORS[0]["id"]},
        {"more": 1},
    )
    for change in wrong:
        other = parse(DATA, training.NAME) | {"vectors": [few[0], few[1] | change]}
        with pytest.raises(GoldenFormatError, match=r"v1/training\.json: "):
            training.read(canonical(other))
    uneven = few[1] | {"random_bits": [["00000000"]]}
    with pytest.raises(GoldenFormatError, match=uneven["id"]):
        training.failures(uneven, "numpy")
