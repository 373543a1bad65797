"""The probe of cvt.rs.satfinite.e2m1x4: what its codes say, for a chip of each feed."""

from __future__ import annotations

import numpy as np
import pytest

from fos_gpu.build import probe, training_units
from fos_gpu.proof import feed as proof
from fos_ref.errors import ToolchainError
from fos_ref.random import deal, Feed, FEEDS, Rule, stochastic, width
from tests.gpu.emulation.device import device
from tests.gpu.emulation.kernels import function

__all__ = ["device"]
ONE_BIT = np.uint32(1) << np.arange(32, dtype=np.uint32)
FOUR = [f for f in Feed if len(FEEDS[f]) == 4]


def converted(y, words, feed):
    """Return the codes of four values y under each word, element 0 in the low nibble: a chip of that feed."""
    random = deal(words, feed).reshape(-1, 4)
    codes = stochastic(np.full(random.shape, y, np.float32), random, Rule.A, width(feed)).astype(np.uint32)
    return (codes << (4 * np.arange(4, dtype=np.uint32))).sum(axis=1, dtype=np.uint32)


def answers(feed):
    zero, ones = np.zeros(1, np.uint32), np.full(1, 0xFFFFFFFF, np.uint32)
    parts = (converted(1.25, ONE_BIT, feed), converted(0.25, ONE_BIT, feed))
    return np.concatenate([*parts, converted(1.25, zero, feed), converted(1 + 2**-10, ones, feed)])


@pytest.mark.parametrize("feed", FOUR, ids=lambda f: f.value)
def test_a_chip_of_each_feed_is_told_apart(feed):
    found = proof.read(answers(feed))
    assert found.feeds == (feed.value,)
    assert found.below_one
    assert found.wide is (width(feed) > 8)
    assert proof.lines(found)[0] == f"feed: {feed.value}"


def test_a_feed_that_nobody_described_is_shown():
    codes = answers(Feed.BYTE_LANE)
    codes[[3, 31]] = [0x3333, 0x2222]
    found = proof.read(codes)
    assert (found.feeds, found.below_one) == ((), False)
    assert (found.moved[3], found.moved[31]) == (-1, None)
    assert proof.lines(found)[0] == "feed: none that is known"


@pytest.mark.usefixtures("device")
def test_a_device_without_the_instruction_says_what_it_needs(monkeypatch, capsys):
    monkeypatch.setattr(proof, "available", lambda: probe.Availability(ok=True, reason="a device"))
    monkeypatch.setattr(proof, "capability", lambda: 90)
    with pytest.raises(ToolchainError, match="needs sm_100a or sm_103a; this is sm_90"):
        proof.ask()
    assert function(training_units.probe_unit(), "fos_feed_probe")
    assert proof.main([]) == 2
    assert "needs sm_100a" in capsys.readouterr().err
