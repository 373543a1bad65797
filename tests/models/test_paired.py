"""Paired differences against Fractions, their intervals against draws whose truth is known."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from fos_ref.errors import InputError
from fos_ref.models.paired import chunks, difference, order, sums

A = np.array([[3.0, 5.0, 2.0, 6.0], [4.0, 4.0, 3.0, 5.0]])
B = np.array([[1.0, 2.0, 2.0, 3.0]])
COUNTS = np.array([2, 3, 1, 2])


def test_the_mean_and_the_standard_error_are_those_of_fractions():
    d = [[Fraction(int(v)) for v in row] for row in A - B]
    n = [Fraction(int(c)) for c in COUNTS]
    total = sum(n)
    each = [sum(row) / total for row in d]
    mean = sum(each) / 2
    of_draws = sum((e - mean) ** 2 for e in each) / 1 / 2
    rest = [(d[0][c] + d[1][c]) / 2 - mean * n[c] for c in range(4)]
    of_chunks = sum(r * r for r in rest) * Fraction(4, 3) / total**2
    found = difference(A, B, COUNTS)
    assert found.mean == float(mean)
    assert abs(found.se**2 - float(of_draws + of_chunks)) < 1e-15
    dof = float((of_draws + of_chunks) ** 2 / (of_draws**2 + of_chunks**2 / 3))
    assert abs(found.half - found.se * stats.t.ppf(0.975, dof)) < 1e-12
    assert (found.draws, found.chunks) == (2, 4)


def test_one_draw_has_the_interval_of_the_chunks_alone():
    found = difference(A[:1], B, COUNTS)
    assert found.draws == 1
    assert abs(found.half - found.se * stats.t.ppf(0.975, 3)) < 1e-12


def test_equal_arms_differ_by_nothing_and_cannot_be_ordered():
    found = difference(B, B, COUNTS)
    assert (found.mean, found.half, found.resolved) == (0.0, 0.0, False)


def test_the_interval_holds_the_truth_as_often_as_it_says_or_more():
    rng, held, runs = np.random.default_rng(0), 0, 400
    for _ in range(runs):
        noise = rng.normal(0, 0.01, (6, 1)) + rng.normal(0, 0.05, (1, 40)) + rng.normal(0, 0.05, (6, 40))
        found = difference(100 * (0.3 + noise), np.zeros((1, 40)), np.full(40, 100))
        held += abs(found.mean - 0.3) <= found.half
    assert held / runs >= 0.94


def test_pairs_are_the_better_first_and_wider_together():
    arms = {"worse": A, "better": B, "third": B + np.array([[0.5, -0.5, 0.25, -0.25]])}
    found = order(arms, COUNTS)
    assert ("better", "worse") in found
    assert all(d.mean <= 0 for d in found.values())
    one = difference(B, A, COUNTS)
    assert found["better", "worse"].half > one.half
    assert not found[next(p for p in found if "worse" not in p)].resolved


def test_chunks_are_windows_or_pieces_of_few_windows():
    many = np.arange(0, 41 * 10, 10)
    assert chunks(many) is many
    few = chunks(np.array([0, 200, 230]))
    assert few.tolist() == [0, 67, 133, 200, 230]
    assert sums(np.arange(230.0), few).tolist() == [
        sum(range(a, b)) for a, b in zip(few[:-1].tolist(), few[1:].tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    ("a", "b", "n"), [(A, B[:, :3], COUNTS), (A, np.ones((3, 4)), COUNTS), (A[0], B, COUNTS)]
)
def test_other_shapes_are_refused(a, b, n):
    with pytest.raises(InputError, match="allowed"):
        difference(a, b, n)


def test_one_chunk_is_refused():
    with pytest.raises(InputError, match="two or more"):
        difference(A[:, :1], B[:, :1], COUNTS[:1])
    assert math.isfinite(difference(A, B, COUNTS).half)
