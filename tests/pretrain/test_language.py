"""The synthetic language: its entropy on fractions, its tokens against a walk in plain Python."""

from __future__ import annotations

from fractions import Fraction
from math import log

import numpy as np
import pytest

from fos_ref.pretrain.language import language, ORDER, sample, UNIT
from fos_ref.random.philox import philox4x32


def exact_stationary(counts, v):
    """Return the stationary distribution of contexts by elimination on fractions."""
    n = v**ORDER
    rows = [[Fraction(0)] * (n + 1) for _ in range(n)]
    for context in range(n):
        for d in range(v):
            rows[context % v ** (ORDER - 1) * v + d][context] += Fraction(int(counts[context, d]), UNIT)
    for i in range(n):
        rows[i][i] -= 1
    rows[0] = [Fraction(1)] * (n + 1)
    for i in range(n):
        pivot = next(r for r in range(i, n) if rows[r][i])
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [x / rows[i][i] for x in rows[i]]
        for r in range(n):
            if r != i and rows[r][i]:
                factor = rows[r][i]
                rows[r] = [x - factor * y for x, y in zip(rows[r], rows[i], strict=True)]
    return [row[-1] for row in rows]


def test_entropy_is_that_of_the_exact_chain():
    made = language(2, 3)
    counts = np.diff(made.upper.astype(np.int64), axis=1, prepend=0)
    assert (counts.sum(axis=1) == UNIT).all()
    assert counts.min() >= 1
    pi = exact_stationary(counts, 2)
    assert np.abs(np.array([float(p) for p in pi]) - made.stationary).max() < 1e-12
    p = counts / UNIT
    assert (
        abs(made.entropy + sum(float(w) * x * log(x) for w, row in zip(pi, p, strict=True) for x in row))
        < 1e-12
    )


@pytest.mark.parametrize("symbols", [4, 5])
def test_tokens_are_the_tables(symbols):
    """The first token whose upper end lies above 16 bits of a word, one by one."""
    made = language(symbols, 1)
    got = sample(made, 3, 20, seed=9, first=5)
    for row in range(3):
        words = philox4x32([[block, 5 + row, 0, 0] for block in range(4)], [9, 0x1A26])
        halves = [int(h) for four in words[1:] for w in four for h in (w & 0xFFFF, w >> 16)]
        for t in range(ORDER, 20):
            a, b, c = got[row, t - 3 : t]
            upper = made.upper[(a * symbols + b) * symbols + c]
            assert got[row, t] == next(d for d in range(symbols) if upper[d] > halves[t])


def test_rows_depend_on_their_number_alone():
    made = language(4, 0)
    assert (sample(made, 6, 12, seed=2)[4:] == sample(made, 2, 12, seed=2, first=4)).all()
    assert (sample(made, 6, 12, seed=2) != sample(made, 6, 12, seed=3)).any()


def test_the_language_is_pinned():
    assert round(language(8, 0).entropy, 12) == PINNED
    assert sample(language(8, 0), 1, 12, seed=0).tolist() == [TOKENS]


PINNED = 1.328268198021
TOKENS = [5, 7, 4, 4, 4, 7, 6, 3, 5, 4, 3, 6]
