"""Philox: Random123's known answers, a second one on plain integers, and what the door refuses."""

import numpy as np
import pytest

from fos_ref.errors import DtypeError, InputError, ShapeError
from fos_ref.oracle import stochastic as oracle
from fos_ref.random import philox4x32
from fos_ref.random.murmur import finalizer

PI = ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0))
ONES = ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2)
ZEROS = ((0,) * 4, (0,) * 2)

#: kat_vectors of Random123
KNOWN = [
    (ZEROS, 7, "5f6fb709 0d893f64 4f121f81 4f730a48"),
    (ONES, 7, "5207ddc2 45165e59 4d8ee751 8c52f662"),
    (PI, 7, "4dfccaba 190a87f0 c47362ba b6b5242a"),
    (ZEROS, 10, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    (ONES, 10, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    (PI, 10, "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


@pytest.mark.parametrize(("given", "rounds", "words"), KNOWN)
def test_the_known_answers(given, rounds, words):
    want = [int(w, 16) for w in words.split()]
    assert philox4x32(*given, rounds=rounds).tolist() == want
    assert list(oracle.philox4x32(*given, rounds=rounds)) == want


def test_the_two_agree_on_drawn_counters_and_rounds():
    rng = np.random.default_rng(0)
    counters = rng.integers(0, 1 << 32, (200, 4), dtype=np.uint64)
    keys = rng.integers(0, 1 << 32, (200, 2), dtype=np.uint64)
    for rounds in (1, 2, 10, 16):
        got = philox4x32(counters, keys, rounds)
        pairs = zip(counters.tolist(), keys.tolist(), strict=True)
        assert got.tolist() == [list(oracle.philox4x32(c, k, rounds)) for c, k in pairs]


def test_counters_and_keys_broadcast():
    got = philox4x32(np.zeros((3, 1, 4), np.int64), np.arange(10).reshape(5, 2))
    assert got.shape == (3, 5, 4)
    assert got.dtype == np.uint32
    assert got[2, 4].tolist() == list(oracle.philox4x32((0, 0, 0, 0), (8, 9)))


@pytest.mark.parametrize(
    ("counter", "key", "rounds", "error", "said"),
    [
        ([0, 0, 0], [0, 0], 10, ShapeError, "counter of shape (3,): a last axis of 4 words"),
        ([0, 0, 0, 1 << 32], [0, 0], 10, InputError, "4294967296"),
        ([0, 0, 0, 0], [0, -1], 10, InputError, "key -1"),
        ([0.0] * 4, [0, 0], 10, DtypeError, "float64"),
        ([0] * 4, [0, 0], 0, InputError, "rounds 0: a whole number from 1 to 16"),
        (np.zeros((2, 4), int), np.zeros((3, 2), int), 10, ShapeError, "broadcast"),
    ],
)
def test_what_is_no_counter_is_refused(counter, key, rounds, error, said):
    with pytest.raises(error) as caught:
        philox4x32(counter, key, rounds)
    assert said in str(caught.value)


def plain_finalizer(v):
    v ^= v >> 16
    v = v * 0x85EBCA6B % (1 << 32)
    v ^= v >> 13
    v = v * 0xC2B2AE35 % (1 << 32)
    return v ^ v >> 16


def test_the_finalizer_is_the_one_of_murmurhash3_and_a_bijection():
    drawn = np.random.default_rng(1).integers(0, 1 << 32, 1000, dtype=np.uint64).astype(np.uint32)
    assert finalizer(drawn).tolist() == [plain_finalizer(v) for v in drawn.tolist()]
    assert finalizer(np.array([0, 1], np.uint32)).tolist() == [0, 0x514E28B7]
    assert len(np.unique(finalizer(np.arange(1 << 16, dtype=np.uint32)))) == 1 << 16
