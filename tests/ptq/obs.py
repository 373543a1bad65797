"""GPTQ by the formula that it comes from, on fractions or floats: no factor, no spans.

Fractions round nothing. After each column the inverse loses that column's row:
H^-1 - h h^T / H^-1_ii. Nothing of fos_ref is used.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

E2M1 = [Fraction(n, 2) for n in (0, 1, 2, 3, 4, 6, 8, 12)]
_FLOATS = [float(v) for v in E2M1]


def inverse(h):
    """Return the inverse of a matrix, by elimination."""
    n, one = len(h), type(h[0][0])
    rows = [[*row, *(one(i == j) for j in range(n))] for i, row in enumerate(h)]
    for i in range(n):
        pivot = rows[i][i]
        rows[i] = [v / pivot for v in rows[i]]
        for j in range(n):
            if j != i and rows[j][i]:
                f = rows[j][i]
                rows[j] = [a - f * b for a, b in zip(rows[j], rows[i], strict=True)]
    return [row[n:] for row in rows]


def nearest(y):
    """Return the nearest value of E2M1, of two the one of the even code, and how near y is to a midpoint."""
    size, grid = abs(y), E2M1 if isinstance(y, Fraction) else _FLOATS
    code = min(range(8), key=lambda c: (abs(grid[c] - size), c % 2))
    margin = min(abs(size - (a + b) / 2) for a, b in pairwise(grid))
    return (grid[code] if y >= 0 else -grid[code]), margin


def walk(w, h, step, order):
    """Return q*e of each value (N, K), and the smallest distance of a scaled value to a midpoint.

    w, h, step: all fractions or all floats; step: e (N, K), or a function of the values and a column
    """
    inv, w = inverse(h), [list(row) for row in w]
    out, least = [[None] * len(h) for _ in w], 1
    for at, i in enumerate(order):
        here = step(w, i) if callable(step) else [row[i] for row in step]
        for n, row in enumerate(w):
            e = here[n]
            q, margin = nearest(row[i] / e)
            out[n][i], least = q * e, min(least, margin)
            error = (row[i] - q * e) / inv[i][i]
            for j in order[at + 1 :]:
                row[j] -= error * inv[i][j]
        pivot = list(inv[i])
        for a in order[at + 1 :]:
            if f := pivot[a] / pivot[i]:
                inv[a] = [v - f * p for v, p in zip(inv[a], pivot, strict=True)]
    return out, least
