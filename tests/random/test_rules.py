"""Rules A, B and C against rationals, over every word and value; and what a rounding leaves alone."""

from bisect import bisect_right
from fractions import Fraction
from functools import cache

import numpy as np
import pytest

from fos_ref.errors import DtypeError, InputError
from fos_ref.formats import BFLOAT16, decode, E2M1, E4M3, E8M0, encode, FLOAT16, FORMATS, INT4, UE4M3
from fos_ref.formats.catalog import Negatives
from fos_ref.oracle import stochastic as oracle
from fos_ref.random import Rule, stochastic

BYTES = np.arange(256)
RULES = list(Rule)


@cache
def grid_of(fmt):
    return [Fraction(v) for v in decode(np.arange(fmt.max_code + 1), fmt).tolist()]


def bfloat16_values(first, last):
    """Return every bfloat16 from `first` up to, not including, `last`."""
    low, high = (int(encode(np.array(float(v)), BFLOAT16)) for v in (first, last))
    return decode(np.arange(low, high), BFLOAT16).astype(np.float32)


def wrong_blocks(values, rule, fmt=E2M1, bits=8):
    """Return how many (value, random number) pairs differ from the rationals'."""
    numbers = np.arange(1 << bits)
    got = stochastic(values[:, None], numbers[None, :], rule, bits, fmt)
    grid, differing = grid_of(fmt), 0
    for v, codes in zip(values.tolist(), got, strict=True):
        at, up = bisect_right(grid, v) - 1, 0
        if at + 1 < len(grid):
            up = oracle.ups((Fraction(v) - grid[at]) / (grid[at + 1] - grid[at]), rule.value, bits)
        want = at + (numbers >= (1 << bits) - up)
        ends = [oracle.index(Fraction(v), grid, rule.value, bits, r) for r in (0, (1 << bits) - 1)]
        assert ends == [want[0], want[-1]]
        differing += int((codes != want).sum())
    return differing


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_the_rationals_over_every_byte(rule):
    """Every bfloat16 from 2^-9 on, where 8 bits can move a value; smaller ones are in the exhaustive test."""
    assert wrong_blocks(bfloat16_values(2**-9, 8), rule) == 0


@pytest.mark.exhaustive
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_the_rationals_over_every_byte_and_every_bfloat16_below_8(rule):
    values = bfloat16_values(0, 8)
    assert len(values) == 0x4100
    assert wrong_blocks(values, rule) == 0


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("fmt", [E4M3, UE4M3, E8M0, INT4, FLOAT16])
def test_a_rule_is_the_rationals_in_every_kind_of_format(rule, fmt):
    rng = np.random.default_rng(3)
    grid = np.array([float(g) for g in grid_of(fmt)])
    at = rng.integers(0, len(grid) - 1, 60)
    values = (grid[at] + rng.integers(0, 33, 60) / 32 * (grid[at + 1] - grid[at])).astype(np.float64)
    assert wrong_blocks(values[values >= grid[0]], rule, fmt, bits=5) == 0


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_value_of_the_format_never_moves(name):
    fmt = FORMATS[name]
    codes = np.arange(fmt.max_code + 1) if fmt.bits <= 16 else np.arange(0, fmt.max_code, 65521)
    for rule in RULES:
        for r in (0, 255):
            values = decode(codes, fmt)
            assert np.array_equal(stochastic(values, np.int64(r), rule, 8, fmt), codes)
            negative = np.array([-0.0]) if fmt.negatives is Negatives.NONE else -values
            assert np.array_equal(stochastic(negative, np.int64(r), rule, 8, fmt), encode(negative, fmt))


def test_more_bits_than_the_value_has_change_nothing_of_a():
    values = bfloat16_values(2**-3, 6)  # at most 8 bits of nu from 2^-3 on
    few = stochastic(values[:, None], BYTES[None, :], Rule.A, 8)
    many = stochastic(values[:, None], BYTES[None, :] << 24, Rule.A, 32)
    fine = np.ldexp(values.astype(np.float64), 8) % 1 == 0
    assert np.array_equal(few[fine], many[fine])
    assert fine.any()


def test_signs_zeros_and_what_is_not_finite():
    v = np.array([0.0, -0.0, -0.1, -1e-30, -7, 7, np.inf, -np.inf, np.nan, -np.nan, -6], np.float32)
    codes = stochastic(v, np.full(11, 0), Rule.A, 8)
    assert codes.tolist() == [0, 8, 8, 8, 15, 7, 7, 15, 7, 7, 15]
    assert stochastic(v[2:3], np.array([255]), Rule.A, 8).tolist() == [9]
    assert stochastic(np.array([-2.5, 7.5, -9]), np.array([1] * 3), Rule.B, 1, INT4).tolist() == [13, 7, 9]
    assert stochastic(np.array([65519.0, np.inf]), np.array([255] * 2), Rule.A, 8, FLOAT16).tolist() == [
        0x7C00,
        0x7C00,
    ]


@pytest.mark.parametrize(
    ("y", "random", "bits", "error", "said"),
    [
        (np.float32(1), 256, 8, InputError, "random numbers: whole numbers from 0 to 2^8 - 1"),
        (np.float32(1), -1, 8, InputError, "whole numbers from 0"),
        (np.float32(1), 0.5, 8, DtypeError, "an integer dtype is allowed"),
        (np.float16(1), 0, 8, DtypeError, "float32 or float64"),
        (np.float32(1), 0, 33, InputError, "random bits 33: a whole number from 1 to 32"),
    ],
)
def test_what_is_refused(y, random, bits, error, said):
    with pytest.raises(error) as caught:
        stochastic(np.asarray(y), np.asarray(random), Rule.A, bits)
    assert said in str(caught.value)
    with pytest.raises(InputError):
        stochastic(np.array([-1.0]), np.array([0]), Rule.A, 8, UE4M3)
