"""Programs' own rounders against rationals, and where each of them leaves the rule that it looks like."""

from fractions import Fraction

import numpy as np
import pytest

from fos_ref.errors import DtypeError, InputError
from fos_ref.formats import BFLOAT16, decode, E2M1, E4M3, encode
from fos_ref.oracle import stochastic as oracle
from fos_ref.random import enumerated, moments, Rule, stochastic
from fos_ref.random.programs import (
    fouroversix_torch,
    quartet2_scales,
    quartet2_simulator,
    quartet2_simulator_scales,
    te_software,
    triton_uniform,
)

BYTES = np.arange(256)
VALUES = [Fraction(v) for v in (0, 0.5, 1, 1.5, 2, 3, 4, 6)]


def bfloat16_from(first):
    codes = np.arange(int(encode(np.array(float(first)), BFLOAT16)), 0x4100)
    return decode(codes, BFLOAT16).astype(np.float32)


def differing_from_te(values):
    """Return in how many pairs the software form differs from the rationals', and from rule A."""
    got = te_software(values[:, None], BYTES[None, :])
    rule_a = stochastic(values[:, None], BYTES[None, :], Rule.A, 8)
    want = [[VALUES.index(oracle.te_software(Fraction(float(v)), b)) for b in range(256)] for v in values]
    return int((got != np.array(want)).sum()), int((got != rule_a).sum())


@pytest.mark.long
def test_te_s_software_form_is_its_formula():
    drawn = np.random.default_rng(0).uniform(0, 8, 60).astype(np.float32)
    assert differing_from_te(np.concatenate([bfloat16_from(2**-9)[::31], drawn]))[0] == 0


@pytest.mark.exhaustive
def test_te_s_software_form_is_its_formula_over_every_byte_and_every_bfloat16_below_8():
    values = decode(np.arange(0x4100), BFLOAT16).astype(np.float32)
    assert differing_from_te(values)[0] == 0


@pytest.mark.parametrize(
    ("low", "step", "want"), [(0, 0.5, 128), (0.5, 0.5, 0), (1, 0.5, 0), (2, 1, 0), (3, 1, 0), (4, 2, 0)]
)
def test_te_s_fma_carries_where_rule_a_does_not(low, step, want):
    """One ulp below where a byte begins to carry, 128 of 255 bytes go up below 0.5, and elsewhere none."""
    byte = np.arange(1, 256)
    at = np.float32(low) + np.float32(step) * ((256 - byte) / 256).astype(np.float32)
    below = np.nextafter(at, np.float32(0))
    differ = te_software(below, byte) != stochastic(below, byte, Rule.A, 8)
    assert int(differ.sum()) == want


def test_te_s_specials():
    v = np.array([np.nan, -np.nan, np.inf, -np.inf, 1e30, -7, -0.0, 0.0, -1e-40], np.float32)
    assert te_software(v, np.full(9, 128)).tolist() == [7, 7, 7, 15, 7, 15, 8, 0, 8]
    with pytest.raises(InputError, match="from 0 to 255"):
        te_software(v, np.full(9, 256))
    with pytest.raises(DtypeError, match="float64"):
        te_software(v.astype(float), np.full(9, 0))


@pytest.mark.long
def test_fouroversix_adds_and_rounds_to_even():
    u = (np.arange(0, 1 << 24, 4099) / (1 << 24)).astype(np.float32)
    for v in (0.1, 0.26, 0.75, 1.3, 2.5, 3.9, 4.5, 5.999, 6.5):
        a, q = np.float32(v), []
        scale = Fraction(2) if a < 2 else Fraction(1) if a < 4 else Fraction(1, 2)
        for one in u.tolist():
            total = np.float32(np.float32(a * np.float32(scale)) + np.float32(one - 0.5))  # one rounding
            q.append(min(Fraction(round(Fraction(float(total)))) / scale, Fraction(6)))
        assert [VALUES[c & 7] for c in fouroversix_torch(np.full(u.shape, a), u).tolist()] == q
    v = np.array([6, 4, 0, -0.0, 0.1, -0.1, -(2.0**126)], np.float32)
    lowest = fouroversix_torch(v, np.zeros(7, np.float32))
    assert lowest.tolist() == [
        6,
        6,
        8,
        8,
        8,
        0,
        15,
    ]  # 6 becomes 4, a tie to even, and 0.1 becomes -0
    assert fouroversix_torch(v, np.full(7, 0.5, np.float32)).tolist() == [7, 6, 0, 0, 0, 8, 15]
    for bad in (np.nan, np.inf, -np.inf, 2.0**127):  # the reference gives NaN
        with pytest.raises(InputError, match="from 2\\^127 on: the reference gives NaN"):
            fouroversix_torch(np.array([1, bad], np.float32), np.zeros(2, np.float32))


@pytest.mark.parametrize(
    ("value", "low", "high", "share"),
    [(0.5, 0, 1, 1 / 2), (1.5, 1, 2, 1 / 2), (2, 1.5, 3, 1 / 3), (4, 3, 6, 1 / 3), (1.25, 1, 1.5, 1 / 2)],
)
def test_quartet2_s_simulator_rounds_a_value_of_the_format_once_more(value, low, high, share):
    u = (np.arange(1 << 12) / (1 << 12)).astype(np.float32)
    got = decode(quartet2_simulator(np.full(u.shape, value, np.float32), u), E2M1)
    assert set(got.tolist()) == {low, high}
    assert (got == high).sum() == np.ceil(share * (1 << 12))
    same = quartet2_simulator(np.array([0.0, -0.0, 6, 7, np.inf], np.float32), np.full(5, 0.999, np.float32))
    assert same.tolist() == [8, 8, 7, 7, 7]


def test_quartet2_s_scales_go_up_by_their_cut_bits():
    noise = np.arange(1 << 16)
    for cut in (0, 1, 16, 17, 0x80000, 0xFFFFF):
        one = np.uint32(0x3F800000 + 0x00300000 + cut).view(np.float32)  # 1.375 and cut * 2^-23
        codes = quartet2_scales(np.full(noise.shape, one), noise)
        assert (codes == 0x3C).sum() == -(-cut // 16)
        assert set(codes.tolist()) <= {0x3B, 0x3C}
    v = np.array([2**-7 * 1.06, 500, 448, 0, -0.0, np.inf], np.float32)
    assert quartet2_scales(v, np.zeros(6, int)).tolist() == encode(v, E4M3).tolist()  # never stochastic


def test_quartet2_s_simulated_scales_lie_between_their_neighbours():
    v = np.array([1.03, 1.0, 1.09, 447.0, 448.0, 0.0, 2**-10], np.float32)
    low = quartet2_simulator_scales(v, np.full(7, 0.9999, np.float32))
    high = quartet2_simulator_scales(v, np.zeros(7, np.float32))
    assert decode(low, E4M3).tolist() == [1, 1, 1, 416, 448, 0, 0]
    assert decode(high, E4M3).tolist() == [1.125, 1, 1.125, 448, 448, 0, 2**-9]
    with pytest.raises(InputError, match="up to 448"):
        quartet2_simulator_scales(np.array([449], np.float32), np.zeros(1, np.float32))


def test_triton_s_uniform_numbers():
    words = np.array([0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000], np.uint32)
    assert triton_uniform(words).view(np.uint32).tolist() == [0, 0x2FFFFFFF, 0x3F7FFFFF, 0, 0x3F7FFFFF]


def test_moments_are_those_of_every_byte():
    for value in (0.3, -1.2001, 2.7, 5.99, 6.2):
        for rule in Rule:

            def rounded(v, r, rule=rule):
                return decode(stochastic(v, r, rule, 8), E2M1)

            exact = moments(float(np.float32(value)), rule, 8)
            assert enumerated(rounded, value, 8) == exact
    bias = moments(1.3, Rule.A, 8).mean - Fraction(1.3)
    assert -Fraction(1, 512) < bias < 0  # towards zero, by less than 2^-8 of the step
    assert moments(1.3, Rule.C, 32).mean - Fraction(1.3) < Fraction(1, 1 << 33)
