"""The choice without the recipe's divisions: cheap errors with a proved bound, word for word where close.

Where a block is regular (`regular`), a candidate's error is, up to a factor V^2 (V for MAE
and ABS_MAX) that both candidates share,

    s^2 * g,  g = sum of (q - y)^2      (MAE: s * sum of |q - y|; ABS_MAX: s * max of |q - y|)

with s the block scale's value, y the scaled value, q its nearest grid value. V is what one unit of code times
block scale is worth where the recipe compares: F for errors of the input, 1 for errors of scaled values; F is
A/C, D or 1/S as the error domain says. The recipe's float32 error L and this differ by rounding only. Let
u = 2^-24, n the values of a block, z = x / (s F) exactly, e_i = |q_i - y_i| for the filter's y: the distance
from the grid 0, .5, .. 4, 6, 8, exact in float32, which moves no faster than y. The recipe's q is that of its
own y, which is below 7, so saturation changes nothing.

- admit.filter_holds keeps any two of D, 1/S and A/C within 4u. So the recipe's y is z but for 7 * 7u = 49u
  where it multiplies (3 roundings after D and S), 7 * 6u = 42u where it divides (2 roundings). There the
  filter multiplies by RN(1/d), and its y is the recipe's but for 3 roundings, 21u. Together at most 63u.
- L's value of a code, in units of s V at most 6, has at most 2 roundings (q * s is exact), x * S one, of at
  most 7; the difference, at most 1, has one more: 13u. So L's differences, in units of s V, and the filter's
  e_i are apart by at most 76u, and t = 80u leaves room for the products of u.
- MSE: the squares are apart by 2 t e_i + t^2, their sum by 2 t sqrt(n g) + n t^2 (Cauchy-Schwarz).
  MAE: n t. ABS_MAX: t.
- Roundings of terms and sums are relative, because no term is negative. In L a term meets at most n: its
  square, the sum in any order. In the filter, n likewise, then one of the weight (s^2 is exact) and one of
  the difference of both sides: together (2 n + 2) u of g.
- Underflow: D is within 2^-44 .. 2^40 and s at least 2^-9, so factors and codes' values other than 0 are
  normal, and differences below the normal numbers are exact. A scaled value loses 2^-150 at most, which the
  4u to spare in t hold; n squares lose n 2^-150 at most, far below the n (t s V)^2 to spare in c3. Nothing
  overflows.

So s4^2 g4 - s6^2 g6 decides as the recipe does wherever it exceeds, in size, the sum over both candidates of
s^2 (c1 sqrt(g) + c2 g + c3), for MSE c1 = 2 t sqrt(n), c2 = 2 (n + 3) u, c3 = 2 n t^2. No root is taken:
sqrt(g) is at most g / 2h + h / 2 for any h above 0; h = sqrt(n) / 4 is near sqrt(g) for usual blocks. MAE and
ABS_MAX have s for s^2, c1 = 0, and n t or t for c3. Elsewhere the block is left open, and computed word for
word. What the bound's own few roundings take is covered by making each constant larger by a thousandth.
"""

from __future__ import annotations

import numpy as np

from fos_ref.fast import config as k
from fos_ref.fast.codec import F32, U32
from fos_ref.fast.config import position
from fos_ref.fast.elements import (
    DIVIDE_BY_PRODUCT,
    DIVIDE_BY_QUOTIENT,
    RECIPROCAL_OF_PRODUCT,
)
from fos_ref.fast.errors import MSE
from fos_ref.fast.grids import NEGATIVE_VALUES
from fos_ref.fast.hot import add_errors, encode
from fos_ref.fast.hot_scales import (
    judge_magnitudes,
    judge_squares,
    usual_scales_one,
    usual_scales_two,
    write_bytes,
)
from fos_ref.fast.lanes import (
    AMAX,
    BYTE6,
    CHOICE,
    CHOSEN,
    FACTOR4,
    FACTOR6,
    fill,
    get,
    INVERSE4,
    INVERSE6,
    KEPT,
    LANES,
    OPEN,
    put,
    SCALE4,
    SCALE6,
    step,
    SUM4,
    SUM6,
    walk,
)
from fos_ref.fast.literal import chooses, FOUR, FOUR_OVER_SIX
from fos_ref.fast.memory import load, store
from fos_ref.fast.scales import DIVIDE_THEN_MULTIPLY, E4M3, EXPAND_BEFORE_ROUNDING, ONE
from fos_ref.recipes.axes import ErrorMetric, ScaleFloor

MAE = position(ErrorMetric.MAE)
NO_FLOOR = position(ScaleFloor.NONE)
ZERO = F32(0)
ROW = 16
TILE = 256
U = 2.0**-24
T = 80 * U


def _bounds(n: int) -> tuple[F32, ...]:
    """Return what g is multiplied by and what is added: for squares, for magnitudes; last, for their maximum.

    A little larger than proved.
    """
    c1, c2, h = 2 * T * n**0.5, 2 * (n + 3) * U, n**0.5 / 4
    exact = (c2 + c1 / (2 * h), 2 * n * T * T + c1 * h / 2, c2, n * T, T)
    return tuple(F32(c * 1.001) for c in exact)


BOUNDS16, BOUNDS256 = _bounds(ROW), _bounds(TILE)


@step
def divides(c: np.ndarray) -> bool:
    """Return whether values are divided by the factor."""
    kind = c[k.ELEMENT_SCALING_AT]
    if c[k.ENCODER_AT] == k.GRID_LOOPS_INVERTED:
        return False
    return kind == DIVIDE_BY_PRODUCT or kind == DIVIDE_BY_QUOTIENT


@step
def is_usual(c: np.ndarray) -> bool:
    """Return whether the scale steps are those of hot_scales.usual_scales."""
    single = c[k.CANDIDATES_AT] != FOUR_OVER_SIX
    paired = c[k.CANDIDATES_AT] == FOUR_OVER_SIX and c[k.MAP4_SCALE_AT] == EXPAND_BEFORE_ROUNDING
    return (
        (single or paired)
        and c[k.SCALE_FORMAT_AT] == E4M3
        and c[k.BLOCK_SCALE_AT] == DIVIDE_THEN_MULTIPLY
        and c[k.SCALE_FLOOR_AT] == NO_FLOOR
        and c[k.ELEMENT_SCALING_AT] == RECIPROCAL_OF_PRODUCT
    )


@walk
def usual_scales(w: np.ndarray, c: np.ndarray, f: np.ndarray, below: np.float32) -> np.uint32:
    """Store the usual block scales of 64 blocks, leave open those not regular; return nonzero if one is."""
    if c[k.CANDIDATES_AT] == FOUR_OVER_SIX:
        return usual_scales_two(w, f[k.ELEMENT_MAX])
    return usual_scales_one(w, f[k.ELEMENT_MAX], below)


@step
def regular(w: np.ndarray, c: np.ndarray, below: np.float32) -> np.uint32:
    """Leave open the blocks without scales above zero and scaled values `below`; return nonzero if any.

    A NaN anywhere is not below.
    """
    for i in range(LANES):
        store(w, OPEN + i, U32(0))
    bad = _irregular(w, c, below, SCALE6, FACTOR6)
    if chooses(c):
        bad = U32(bad | _irregular(w, c, below, SCALE4, FACTOR4))
    return bad


@step
def _irregular(w: np.ndarray, c: np.ndarray, below: np.float32, scale: int, factor: int) -> np.uint32:
    """Leave open the blocks that are not regular under one candidate; return 1 if any."""
    bad = U32(0)
    if divides(c):
        for i in range(LANES):
            y = F32(get(w, AMAX + i) / get(w, factor + i))
            bad = U32(bad | _noted(w, i, y < below and get(w, scale + i) > ZERO))
    else:
        for i in range(LANES):
            y = F32(get(w, AMAX + i) * get(w, factor + i))
            bad = U32(bad | _noted(w, i, y < below and get(w, scale + i) > ZERO))
    return bad


@step
def _noted(w: np.ndarray, lane: int, good: bool) -> np.uint32:
    """Leave a block open if it is not good; return 1 then."""
    bad = U32(0) if good else U32(1)
    store(w, OPEN + lane, U32(load(w, OPEN + lane) | bad))
    return bad


@walk
def decide(w: np.ndarray, c: np.ndarray) -> np.uint32:
    """Store the choice of 64 blocks, leave open where errors are too close; return nonzero if any is open."""
    factor6, factor4 = FACTOR6, FACTOR4
    if divides(c):
        _invert(w)
        factor6, factor4 = INVERSE6, INVERSE4
    fill(w, SUM6, ZERO)
    fill(w, SUM4, ZERO)
    for row in range(0, c[k.VALUES_AT], ROW):
        add_errors(w, c[k.ERROR_METRIC_AT], row, factor6, factor4)
    steep, squares, slope, magnitudes, maximum = BOUNDS16 if c[k.VALUES_AT] == ROW else BOUNDS256
    if c[k.ERROR_METRIC_AT] == MSE:
        return judge_squares(w, steep, squares)
    return judge_magnitudes(w, slope, magnitudes if c[k.ERROR_METRIC_AT] == MAE else maximum)


@step
def _invert(w: np.ndarray) -> None:
    """Store what the filter multiplies by where the recipe divides."""
    for i in range(LANES):
        put(w, INVERSE6 + i, F32(ONE / get(w, FACTOR6 + i)))
        put(w, INVERSE4 + i, F32(ONE / get(w, FACTOR4 + i)))


@step
def keep_only(w: np.ndarray, c: np.ndarray) -> None:
    """Store the one candidate's factor, scale byte and choice as those that are kept."""
    choice = U32(1) if c[k.CANDIDATES_AT] == FOUR else U32(0)
    for i in range(LANES):
        store(w, CHOSEN + i, load(w, FACTOR6 + i))
        store(w, KEPT + i, load(w, BYTE6 + i))
        store(w, CHOICE + i, choice)


@step
def write_regular(
    w: np.ndarray, scales: np.ndarray, picked: np.ndarray, first: int, stride: int, rows: int
) -> None:
    """Write the scale bytes and choices of 64 blocks, once for each row of a tile."""
    for row in range(rows):
        write_bytes(w, scales, picked, first + row * stride)


@step
def encode_regular(w: np.ndarray, c: np.ndarray, out: np.ndarray, first: int, stride: int, rows: int) -> None:
    """Write the codes of 64 regular blocks, whose factors are chosen, to words of `out`."""
    by_value, divided = c[k.ZERO_SIGN_AT] == NEGATIVE_VALUES, divides(c)
    for row in range(rows):
        encode(w, out, by_value, divided, row * ROW, first + row * stride)
