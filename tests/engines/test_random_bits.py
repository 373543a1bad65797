"""The door for random bits: words, a map with its seed, two of them; one clear error for anything else."""

from __future__ import annotations

import numpy as np
import pytest

import fos_ref
from fos_ref.errors import DtypeError, InputError, ShapeError
from fos_ref.random import deal, Feed, words

LANE, SCALES = "te-train-gradient-byte-lane", "quartet2-eden"
X = np.random.default_rng(0).standard_normal((128, 128)).astype(np.float32)
WORDS = words("te-tuned-row", X.shape, seed=5, offset=2)


def quantized(name, bits, x=X, **more):
    return fos_ref.quantize(x, name, random_bits=bits, **more).codes.tobytes()


def test_a_map_and_its_words_are_the_same():
    want = quantized(LANE, WORDS)
    assert quantized(LANE, ("te-tuned-row", 5, 2)) == want
    assert quantized(LANE, WORDS.astype(np.int64)) == want
    assert quantized(LANE, WORDS.tolist()) == want
    alone = words("te-tuned-row", X.shape, seed=5, offset=2, copies="row")
    assert quantized(LANE, ("te-tuned-row", 5, 2, {"copies": "row"})) == quantized(LANE, alone) != want


def test_words_follow_values_through_shapes_and_chunks():
    want = quantized(LANE, WORDS)
    assert quantized(LANE, WORDS.reshape(4, 32, 32), X.reshape(4, 32, 128)) == want
    long = np.tile(X, (8, 1))
    assert quantized(LANE, np.tile(WORDS, (8, 1)), long) == want * 8
    padded = quantized(LANE, WORDS[:, :4], X[:, :10], padding="zero")
    assert padded == quantized(LANE, WORDS[:, :4], np.pad(X[:, :10], ((0, 0), (0, 6))))


def test_a_trace_has_words_numbers_places_and_directions():
    t = fos_ref.trace(X, LANE, random_bits=WORDS)
    one = t.map6
    assert t.random_bits.words.tolist() == WORDS[None].tolist()
    assert one.random.reshape(X.shape).tolist() == deal(WORDS, Feed.BYTE_LANE).tolist()
    up = np.floor(one.nu * 256) + one.random >= 256
    inside = np.abs(one.scaled) < 6
    assert (one.up == (up & inside)).all()
    assert 0.3 < one.up.mean() < 0.7
    assert fos_ref.trace(X, "nvfp4").random_bits is None


def test_two_candidates_have_two_draws():
    name, own = "fouroversix-sr-4over6", [words("quartet2-simulator", X.shape, seed=s) for s in (1, 2)]
    maps = [("quartet2-simulator", 1, 0), ("quartet2-simulator", 2, 0)]
    assert quantized(name, maps) == quantized(name, own) == quantized(name, np.stack(own))
    assert quantized(name, own[::-1]) != quantized(name, own)
    for bits in (own[0], own[:1], maps[0]):
        with pytest.raises(InputError, match="draws of their own: two of them, map-to-6 first, are allowed"):
            quantized(name, bits)


WRONG = [
    ("nvfp4", WORDS, InputError, "takes none: its bits depend on x alone"),
    (LANE, None, InputError, "rounds stochastically, and no random bits were given"),
    (
        "te-train-gradient-cvt-rs",
        WORDS,
        InputError,
        "hardware decides which bits.* te-train-gradient-byte-lane",
    ),
    (LANE, WORDS[:5], ShapeError, r"of shape \(5, 32\): words of shape \(128, 32\)"),
    (LANE, WORDS.T.copy(), ShapeError, r"of shape \(32, 128\)"),
    (LANE, WORDS.astype(np.float32), DtypeError, "of dtype float32: words"),
    (LANE, -WORDS.astype(np.int64), InputError, "a number out of range"),
    (LANE, WORDS.astype(np.uint64) << np.uint64(8), InputError, "a number out of range"),
    (LANE, "te-tuned-row", DtypeError, "words of shape"),
    (LANE, ("te-tuned-row", 5), DtypeError, "words of shape|of dtype"),
    (LANE, ("no-map", 5, 0), InputError, "map 'no-map' for recipe .* one of te-fused-row"),
    (LANE, ("quartet2-simulator", 5, 0), InputError, "whose words serve 4 values: one of te-fused-row"),
    (LANE, ("te-tuned-row", -5, 0), InputError, "seed -5"),
    (LANE, ("te-tuned-row", 5, 0, "row"), InputError, "a dict is allowed"),
    (SCALES, WORDS, ShapeError, r"words of shape \(128, 8\)"),
    (SCALES, WORDS[:, :8] | np.uint32(1 << 16), InputError, "from 0 to 2\\^16 - 1"),
]


@pytest.mark.parametrize(("name", "bits", "error", "says"), WRONG, ids=lambda v: str(v)[:30])
def test_one_clear_error(name, bits, error, says):
    for call in (fos_ref.quantize, fos_ref.trace):
        with pytest.raises(error, match=says):
            call(X, name, random_bits=bits)


def test_a_group_of_a_correction_is_whole():
    with pytest.raises(ShapeError, match="a multiple of 128"):
        fos_ref.quantize(X[:, :64], "quartet2-simulator-eden", random_bits=WORDS[:, :4])


def test_an_empty_tensor_takes_no_words():
    q = fos_ref.quantize(np.zeros((0, 32), np.float32), LANE, random_bits=np.zeros((0, 8), np.uint32))
    assert q.codes.shape == (0, 16)
