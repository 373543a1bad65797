"""Feeds: their widths, the probe that tells them apart, and that no bit serves two elements of one word."""

import numpy as np
import pytest

from fos_ref.errors import DtypeError, InputError
from fos_ref.random import deal, Feed, FEEDS, probe, Rule, stochastic, width

FOUR = (Feed.BYTE_LANE, Feed.PAIR_REVERSED, Feed.BYTE_NATURAL)
WORD = 0xA1B2C3D4


def reversed16(v):
    return int(f"{v:016b}"[::-1], 2)


@pytest.mark.parametrize(
    ("feed", "want"),
    [
        (Feed.BYTE_LANE, [0xD4, 0xB2, 0xC3, 0xA1]),
        (Feed.PAIR_REVERSED, [0xB2D4, reversed16(0xB2D4), 0xA1C3, reversed16(0xA1C3)]),
        (Feed.BYTE_NATURAL, [0xD4, 0xC3, 0xB2, 0xA1]),
        (Feed.HALF_REVERSED, [0xC3D4, reversed16(0xC3D4), 0xA1B2, reversed16(0xA1B2)]),
        (Feed.HALF, [0xC3D4, 0xA1B2]),
        (Feed.WORD, [WORD]),
    ],
)
def test_what_each_feed_deals(feed, want):
    assert deal(np.array([[WORD]]), feed).tolist() == [want]
    assert deal(np.array([[WORD, 0]]), feed).shape == (1, 2 * len(want))
    kept = deal(np.array([WORD]), feed, bits=3)
    assert kept.tolist() == [v >> (width(feed) - 3) for v in want]


@pytest.mark.parametrize("feed", FOUR)
def test_the_probe_is_what_a_conversion_of_1_25_shows(feed):
    one_bit = np.array([1 << i for i in range(32)])
    codes = stochastic(np.full((32, 4), 1.25), deal(one_bit[:, None], feed), Rule.A, width(feed))
    moved = [np.flatnonzero(row == 3).tolist() for row in codes]
    assert moved == [[] if e is None else [e] for e in probe(feed)]


def test_the_probe_tells_the_feeds_apart():
    assert len({probe(f) for f in FOUR}) == 3
    by_bit = {f: {b: probe(f)[b] for b in (31, 23, 15, 7, 8, 0)} for f in FOUR}
    a, b, e, f = 3, 2, 1, 0
    assert by_bit[Feed.BYTE_LANE] == {31: a, 23: e, 15: b, 7: f, 8: None, 0: None}
    assert by_bit[Feed.PAIR_REVERSED] == {31: b, 23: f, 15: None, 7: None, 8: a, 0: e}
    assert by_bit[Feed.BYTE_NATURAL] == {31: a, 23: b, 15: e, 7: f, 8: None, 0: None}


def test_bytes_are_dealt_once():
    for feed in (Feed.BYTE_LANE, Feed.BYTE_NATURAL, Feed.HALF, Feed.WORD):
        assert sorted(bit for positions in FEEDS[feed] for bit in positions) == list(range(32))


def test_what_is_no_word_is_refused():
    for words, error in ((np.array([0.5]), DtypeError), (np.array([1 << 32]), InputError)):
        with pytest.raises(error, match="random words"):
            deal(words, Feed.WORD)
    with pytest.raises(InputError, match="random bits 9: a whole number from 1 to 8"):
        deal(np.array([1]), Feed.BYTE_LANE, bits=9)


@pytest.mark.parametrize("feed", Feed)
def test_no_row_of_words_is_dealt_to_no_row_of_values(feed):
    assert deal(np.zeros((0, 3), np.uint32), feed).shape == (0, 3 * len(FEEDS[feed]))
