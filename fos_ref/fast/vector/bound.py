"""The filter's bound for a choice between a float grid and integers under one scale: filter.py, for any grid.

The two candidates share the block scale, so V and s of fos_ref/fast/filter.py are the same for both. A
recipe that is admitted multiplies, so the filter's scaled values y and its codes are the recipe's own. Let
M be the largest value of the float grid and y below 7/6 M.

- y is z but for 7 roundings: at most 7 * 7/6 M u.
- The recipe's value of a code has at most 4 roundings (the worth of an integer step is one more factor),
  the filter's of an integer one: 5 M u. Both differences are at most M/6 and have one rounding each: M/3 u.

Together 13.5 M u, and t = 13.6 M u leaves room for the products of u. From here on the proof is that of
filter.py: the constants are those, with this t. No root is taken there: h is near sqrt(g) for usual blocks,
whose distances are about a quarter of the worth of an integer step.
"""

from __future__ import annotations

U = 2.0**-24
ROOM = 1.001  #: the constants are a little larger than proved


def bounds(n: int, top: float, unit: float) -> tuple[float, ...]:
    """Return what g is multiplied by and what is added: for squares, for magnitudes; last, for their maximum.

    n: values of a block; top: M; unit: the worth of an integer step.
    """
    t, h = 13.6 * top * U, n**0.5 * unit / 4
    c1, c2 = 2 * t * n**0.5, 2 * (n + 3) * U
    exact = (c2 + c1 / (2 * h), 2 * n * t * t + c1 * h / 2, c2, n * t, t)
    return tuple(c * ROOM for c in exact)
