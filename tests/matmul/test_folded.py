"""The unit that folds the ratio in once a block: rational numbers, its cycles, and how near it comes."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from fos_ref.errors import DtypeError, InputError
from fos_ref.matmul.units import folded, mac, segments
from fos_ref.oracle.mac import exact_beat, folded_segment
from tests.matmul.test_mac import drawn, published

UNITS = ("if4", "nvfp4")
#: Of 2,000 segments, of which the published units lose 200: (they are nearer, farther, of how many).
NEAR = {"if4": (285, 836, 1800), "nvfp4": (118, 446, 1800)}
LARGEST = 16 * 144 * 225  #: of a block: element products in their unit, times both significands


def rows(beats):
    on = beats.enable if beats.enable is not None else np.ones(len(beats.first), bool)
    parts = (beats.a, beats.w, beats.a_scale, beats.w_scale)
    every = list(zip(*(p[on].tolist() for p in parts), strict=True))
    return [every[i:j] for i, j in pairwise(np.flatnonzero(beats.first[on]).tolist())]


def check(unit, beats):
    """Compare with the rational numbers; return (published unit nearer, farther, of how many results)."""
    got, other = folded(unit, beats, "datapath"), mac(unit, beats, "datapath")
    every = rows(beats)
    assert got.segments.tolist() == list(range(len(every)))
    lanes = dict(zip(other.segments.tolist(), other.accumulators.tolist(), strict=True))
    nearer = farther = 0
    for n, (value, segment) in enumerate(zip(got.accumulators.tolist(), every, strict=True)):
        assert Fraction(value) == folded_segment(segment, is_if4=unit == "if4")
        if n in lanes:
            exact = sum((exact_beat(b, is_if4=unit == "if4") for b in segment), start=Fraction(0))
            mine, its = abs(Fraction(value) - exact), abs(Fraction(lanes[n]) - exact)
            nearer, farther = nearer + (its < mine), farther + (its > mine)
    return nearer, farther, len(lanes)


@pytest.mark.parametrize("unit", UNITS)
def test_random_segments_are_the_rational_ones(unit):
    nearer, farther, _ = check(unit, segments(40, 5))
    assert farther > nearer  # one rounding a block instead of 16 to 32


@pytest.mark.exhaustive
@pytest.mark.parametrize(("unit", "want"), NEAR.items())
def test_how_near_both_units_come(unit, want):
    nearer, farther, compared = check(unit, segments(2000, 6))
    assert (nearer, farther, compared) == want


@pytest.mark.parametrize("unit", UNITS)
def test_the_cycles(unit):
    beats = published(unit)
    got = folded(unit, beats)
    assert (got.cycles.tolist(), got.lost.size) == ([12, 22, 32], 0)
    short = segments(40, 7)
    on = np.flatnonzero(short.enable & short.first)
    assert (folded(unit, short, "datapath").cycles - 2).tolist() == on[1:].tolist()


def test_its_bits_are_not_those_of_the_published_units():
    for unit in UNITS:
        beats = published(unit)
        ours, theirs = (f(unit, beats).accumulators.view(np.uint32) for f in (folded, mac))
        assert (ours != theirs).any()


@pytest.mark.parametrize(("top", "below", "cut"), [(6, 7, 0xDB6DB6D8), (36, 49, 0xBC14E5E0)])
def test_no_block_is_near_the_middle_of_two_floats(top, below, cut):
    """Every whole number a block can be: float64 and 30 or 32 bits of the ratio both round it right."""
    x = np.arange(1, LARGEST + 1, dtype=np.int64)
    length = np.frexp(x.astype(np.float64))[1]
    norm = x << (19 - length)  # the leading bit to bit 18, as the circuit has it
    shift = np.where(norm * top // below >> 18 > 0, 5, 6)  # 24 significant bits
    doubled = norm * top << (shift + 1)
    nearest = (doubled + below) // (2 * below)
    assert np.abs((2 * nearest * below) - doubled).max() < below  # never the middle
    wide = norm * cut
    circuit = (wide + (np.int64(1) << (31 - shift))) >> (32 - shift)
    assert np.array_equal(circuit, nearest)
    model = ((x * top).astype(np.float64) / below).astype(np.float32)
    assert np.array_equal(np.ldexp(model.astype(np.float64), 19 - length + shift), nearest)


def test_what_is_refused():
    beats = drawn(np.random.default_rng(8), 12)
    with pytest.raises(InputError, match="code 8"):
        folded("if4", beats)
    with pytest.raises(InputError, match="unit"):
        folded("mxfp4", beats, "datapath")
    with pytest.raises(DtypeError, match="beats is a list"):
        folded("if4", [], "datapath")
