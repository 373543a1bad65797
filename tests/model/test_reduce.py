"""The orders of the error sum, N12: each against literals that only that order gives."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate, combinations

import numpy as np
import pytest

from fos_ref.formats.bits import f32_hex
from fos_ref.model.reduce import (
    fused_even_odd,
    FUSED_REDUCE,
    fused_sequential,
    halves,
    halving_tree,
    in_order,
    maximum,
    REDUCE,
    sequential,
    torch_cpu,
)
from fos_ref.oracle import exact
from fos_ref.recipes.axes import Reduction

ONE_AND_DUST = np.array([1] + [2.0**-24] * 15, np.float32)


def spread(seed: int, n: int) -> np.ndarray:
    """Return terms of mixed size, so that the order shows."""
    g = np.random.Generator(np.random.Philox(seed))
    return (g.standard_normal(n) ** 2 * 2.0 ** g.integers(-12, 3, n)).astype(np.float32)


def plus(a: float, b: float) -> float:
    return float(np.float32(np.float32(a) + np.float32(b)))


def running(terms) -> float:
    """Return the last of the running float32 sums, term by term in Python."""
    return list(accumulate((float(t) for t in terms), plus))[-1]


def test_n12_dust_beside_one_shows_each_order():
    assert f32_hex(in_order(ONE_AND_DUST)) == "3F800000"  # every 2**-24 is a tie that goes back to 1
    assert f32_hex(halving_tree(ONE_AND_DUST)) == "3F800007"
    assert f32_hex(torch_cpu(ONE_AND_DUST)) == "3F800007"
    assert f32_hex(in_order(ONE_AND_DUST[::-1])) == "3F800008"


@pytest.mark.parametrize("seed", range(20))
def test_n12_sequential_of_16_runs_in_order(seed):
    t = spread(seed, 16)
    assert float(sequential(t)) == running(t)


@pytest.mark.parametrize("seed", range(20))
def test_n12_sequential_of_a_tile_sums_rows_then_a_tree(seed):
    t = spread(seed, 256)
    rows = [running(t[16 * i : 16 * i + 16]) for i in range(16)]
    for step in (8, 4, 2, 1):
        rows = [plus(rows[i], rows[i + step]) for i in range(step)]
    assert float(sequential(t)) == rows[0]


@pytest.mark.parametrize("seed", range(20))
def test_n12_torch_of_16_adds_lanes_of_pairs(seed):
    t = spread(seed, 16)
    assert float(torch_cpu(t)) == running([plus(t[j], t[j + 8]) for j in range(8)])


@pytest.mark.parametrize("seed", range(20))
def test_n12_torch_of_a_tile_has_four_accumulators(seed):
    t = spread(seed, 256)
    lanes = [running([running(t[j + 8 * a :: 32]) for a in range(4)]) for j in range(8)]
    assert float(torch_cpu(t)) == running(lanes)


@pytest.mark.parametrize("seed", range(20))
def test_n12_halves_are_two_sums_of_eight(seed):
    t = spread(seed, 16)
    assert float(halves(t)) == plus(running(t[:8]), running(t[8:]))


def fused(d) -> float:
    """Return e = d*d + e, rounded once a step, from Fractions."""
    total = Fraction(0)
    for v in d:
        exactly = Fraction(float(v)) ** 2 + total
        bits = exact.to_bits(exact.rounded(exactly.numerator * exact.ONE, exactly.denominator))
        total = Fraction(float(np.uint32(bits).view(np.float32)))
    return float(total)


@pytest.mark.parametrize("seed", range(20))
def test_n12_fused_sequential_squares_inside_the_sum(seed):
    d = spread(seed, 16)
    assert float(fused_sequential(d)) == fused(d)


@pytest.mark.parametrize("seed", range(5))
def test_n12_fused_sequential_of_a_tile_sums_rows_then_a_tree(seed):
    d = spread(seed, 256)
    rows = [fused(d[16 * i : 16 * i + 16]) for i in range(16)]
    for step in (8, 4, 2, 1):
        rows = [plus(rows[i], rows[i + step]) for i in range(step)]
    assert float(fused_sequential(d)) == rows[0]


@pytest.mark.parametrize("seed", range(20))
def test_n12_fused_even_and_odd_lanes_of_each_half(seed):
    d = spread(seed, 16)
    first, second = (plus(fused(half[0::2]), fused(half[1::2])) for half in (d[:8], d[8:]))
    assert float(fused_even_odd(d)) == plus(first, second)


@pytest.mark.parametrize("n", [16, 256])
def test_n12_the_orders_differ(n):
    """Over squares; the two orders by halves of 8 are for 16 terms."""
    d = np.stack([spread(seed, n) for seed in range(400)])
    orders = {k: order(d * d) for k, order in REDUCE.items()} | {
        k: order(d) for k, order in FUSED_REDUCE.items()
    }
    results = [
        v for k, v in orders.items() if n == 16 or k not in (Reduction.HALVES, Reduction.FUSED_EVEN_ODD)
    ]
    assert len(results) == (5 if n == 16 else 3)
    for a, b in combinations(results, 2):
        assert np.count_nonzero(a != b) > 40


ORDERS = [*REDUCE.values(), *FUSED_REDUCE.values()]


@pytest.mark.parametrize("n", [16, 256])
@pytest.mark.parametrize("order", [*ORDERS, maximum])
def test_n12_leading_axes_are_independent(order, n):
    t = np.stack([spread(seed, n) for seed in range(6)]).reshape(2, 3, n)
    want = [order(row) for row in t.reshape(6, n)]
    assert order(t).shape == (2, 3)
    assert order(t).ravel().tolist() == [float(w) for w in want]
    assert np.asarray(order(t)).dtype == np.float32


@pytest.mark.parametrize("order", ORDERS)
def test_n12_infinity_and_nan_pass_through(order):
    terms = np.ones((2, 16), np.float32)
    terms[0, 5], terms[1, 7] = np.inf, np.nan
    with np.errstate(invalid="ignore"):
        total = order(terms)
    assert total[0] == np.inf
    assert np.isnan(total[1])


@pytest.mark.parametrize("order", ORDERS)
def test_n12_a_sum_may_overflow(order):
    with np.errstate(over="ignore", invalid="ignore"):
        assert order(np.full(16, 3e38, np.float32)) == np.inf
