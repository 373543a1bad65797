"""The MAC units: the published accumulators, random segments in rational numbers, and the cycles."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from fos_ref.errors import DtypeError, InputError, ShapeError
from fos_ref.matmul.units import Beats, mac
from fos_ref.oracle.mac import segment

VECTORS = json.loads((Path(__file__).parent / "mac_vectors.json").read_text())
UNITS = ("if4", "nvfp4")


def published(unit):
    v = VECTORS[unit]
    return Beats(
        a=np.array([[int(c, 16) for c in line] for line in v["a"]], np.uint8),
        w=np.array([[int(c, 16) for c in line] for line in v["w"]], np.uint8),
        a_scale=np.frombuffer(bytes.fromhex(v["a_scale"]), np.uint8),
        w_scale=np.frombuffer(bytes.fromhex(v["w_scale"]), np.uint8),
        first=np.array([c == "1" for c in v["first"]]),
    )


def drawn(rng, length, chance=0.12, codes=16):
    """Return random beats; a segment begins with `chance`, and with the first and the last beat."""
    first = rng.random(length) < chance
    first[[0, -1]] = True
    a, w = (rng.integers(0, codes, (length, 16), dtype=np.uint8) for _ in range(2))
    scales = [rng.integers(0, 256, length, dtype=np.uint8) for _ in range(2)]
    return Beats(a=a, w=w, a_scale=scales[0], w_scale=scales[1], first=first)


@pytest.mark.parametrize("unit", UNITS)
def test_the_published_accumulators(unit):
    got = mac(unit, published(unit))
    want = [int(v, 16) for v in VECTORS[unit]["accumulators"]]
    assert got.accumulators.view(np.uint32).tolist() == want
    assert got.cycles.tolist() == [16, 26, 36]
    assert got.lost.size == 0


@pytest.mark.parametrize("unit", UNITS)
def test_the_tree_over_the_lanes_is_tested_by_them(unit):
    """With the lanes dealt out by halves, other accumulators come out: neighbours are added first."""
    b = published(unit)
    order = [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15]
    got = mac(unit, replace(b, a=b.a[:, order], w=b.w[:, order])).accumulators.view(np.uint32).tolist()
    assert got != [int(v, 16) for v in VECTORS[unit]["accumulators"]]


@pytest.mark.sample(1)
@pytest.mark.parametrize("unit", UNITS)
def test_random_segments_are_the_rational_ones(unit):
    beats = drawn(np.random.default_rng(30), 400)
    got = mac(unit, beats, "datapath")
    assert len(got.accumulators) > 15
    check(unit, beats, got)


def check(unit, beats, got):
    starts = np.flatnonzero(beats.first)
    rows = list(
        zip(beats.a.tolist(), beats.w.tolist(), beats.a_scale.tolist(), beats.w_scale.tolist(), strict=True)
    )
    for value, n in zip(got.accumulators.tolist(), got.segments.tolist(), strict=True):
        want = segment(rows[starts[n] : starts[n + 1]], is_if4=unit == "if4")
        assert Fraction(value) == want


@pytest.mark.exhaustive
@pytest.mark.parametrize("unit", UNITS)
def test_ten_thousand_segments(unit):
    beats = drawn(np.random.default_rng(31), 140_000)
    got = mac(unit, beats, "datapath")
    assert len(got.accumulators) > 9_000
    check(unit, beats, got)


def one(unit, a, w, a_scale, w_scale):
    """Return the bits of a segment of one beat whose lane 0 holds the two codes."""
    lanes = np.zeros((6, 16), np.uint8)
    x, y = lanes.copy(), lanes.copy()
    x[0, 0], y[0, 0] = a, w
    first = np.array([True, False, False, False, False, True])
    scales = (np.full(6, s, np.uint8) for s in (a_scale, w_scale))
    beats = Beats(a=x, w=y, a_scale=next(scales), w_scale=next(scales), first=first)
    return int(mac(unit, beats, "datapath").accumulators.view(np.uint32)[0])


def test_code_8_in_the_wires():
    """INT4 magnitude 8: with itself and with 7, as the published RTL gave them; -0 in E2M1."""
    assert one("if4", 8, 8, 0xB8, 0xB8) == 0x423C14E6
    assert one("if4", 8, 7, 0xB8, 0xB8) == 0xC2249249
    assert one("nvfp4", 8, 7, 0x38, 0x38) == 0
    beats = drawn(np.random.default_rng(32), 20, codes=8)
    assert mac("if4", beats).segments.size
    beats.a[7, 3] = 8
    with pytest.raises(InputError, match="code 8 of a in beat 7, lane 3"):
        mac("if4", beats)
    gap = np.ones(20, bool)
    gap[7] = False
    mac("if4", replace(beats, enable=gap))


def test_scale_bytes():
    assert one("nvfp4", 2, 2, 0x7F, 0x38) == np.float32(448).view(np.uint32)
    assert one("nvfp4", 2, 2, 0xFF, 0xB8) == np.float32(448).view(np.uint32)
    assert one("nvfp4", 2, 2, 0x01, 0x38) == np.float32(2.0**-9).view(np.uint32)
    assert one("nvfp4", 2, 10, 0x80, 0x38) == 0
    assert one("if4", 7, 7, 0xB8, 0x38) == np.float32(
        np.float32(42) * np.uint32(0x3F5B6DB7).view(np.float32)
    ).view(np.uint32)


def test_lanes_that_are_all_minus_zero_stay_it():
    """The first product is loaded, not added to +0."""
    lanes = np.full((6, 16), 8, np.uint8)
    first = np.array([True, False, False, False, False, True])
    ones = np.full(6, 0x38, np.uint8)
    b = Beats(a=lanes, w=np.full((6, 16), 2, np.uint8), a_scale=ones, w_scale=ones, first=first)
    assert mac("nvfp4", b, "datapath").accumulators.view(np.uint32).tolist() == [0x80000000]


def test_short_segments_are_lost_and_the_one_before_them_is_not():
    first = np.zeros(40, bool)
    first[[0, 10, 14, 19, 20, 30]] = True  # segments of 10, 4, 5, 1 and 10 beats
    beats = replace(drawn(np.random.default_rng(33), 40), first=first)
    got = mac("nvfp4", beats, "datapath")
    assert got.segments.tolist() == [0, 2, 4]
    assert got.lost.tolist() == [1, 3]
    assert got.cycles.tolist() == [16, 25, 36]


def test_gaps_count_as_cycles_and_as_nothing_else():
    beats = drawn(np.random.default_rng(34), 60)
    on = np.ones(120, bool)
    on[1::2] = False
    wide = Beats(
        **{k: np.repeat(getattr(beats, k), 2, axis=0) for k in ("a", "w", "a_scale", "w_scale", "first")},
        enable=on,
    )
    first, second = mac("if4", beats, "datapath"), mac("if4", wide, "datapath")
    shared = np.isin(second.segments, first.segments)
    assert np.array_equal(second.accumulators[shared], first.accumulators)
    assert np.array_equal(second.cycles[shared] - 6, 2 * (first.cycles - 6))
    assert second.lost.size < max(first.lost.size, 1)


def test_beats_that_are_none():
    b = drawn(np.random.default_rng(35), 8)
    for bad, error, words in (
        (None, DtypeError, "beats is a NoneType"),
        (replace(b, a=b.a.astype(np.int64)), DtypeError, "a of the beats: int64"),
        (replace(b, w=b.w[:, :15]), ShapeError, r"w of the beats: shape \(8, 15\)"),
        (replace(b, a=b.a + np.uint8(16)), InputError, "code"),
        (replace(b, enable=np.ones(7, bool)), ShapeError, "enable"),
    ):
        with pytest.raises(error, match=words):
            mac("if4", bad)
    with pytest.raises(InputError, match="unit 'mxfp4'"):
        mac("mxfp4", b)
    with pytest.raises(InputError, match="code8 'ignore'"):
        mac("if4", b, "ignore")
