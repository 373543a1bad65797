"""The choice without the recipe's divisions: cheap errors with a proved bound, word for word where close.

Where every block of a chunk is regular (`regular`), a candidate's error is, up to a factor F^2 (F for MAE
and ABS_MAX) that both candidates share,

    s^2 * g,  g = sum of (q - y)^2      (MAE: s * sum of |q - y|; ABS_MAX: s * max of |q - y|)

with s the block scale's value, y the scaled value that the recipe itself rounds, q the code's value; F is
what one unit of code times block scale is worth: A/C, D or 1/S. The recipe's float32 error L and this differ
by rounding only. Let u = 2^-24, n the values of a block, e_i = |q_i - y_i| exactly: the distance of y from
the grid, which moves no faster than y.

- y = x * m or x / d has at most 3 roundings after D and S, and admit.filter_holds keeps D, 1/S and A/C
  together within 4u. With y < 7 it is x / (s F) but for 7 * 7u = 49u. Where the recipe divides, the filter
  multiplies by RN(1/d): two roundings more, 14u.
- L's value of a code, in units of s F at most 6, has at most 3 roundings, the difference (at most 1) one
  more: 19u. So L's differences and the filter's e_i are apart by at most t = 49u + 2 * 14u + 19u, taken as
  99u for the products of u.
- MSE: the squares are apart by 2 t e_i + t^2, their sum by 2 t sqrt(n g) + n t^2 (Cauchy-Schwarz).
  MAE: n t. ABS_MAX: t.
- Roundings of terms and sums are relative, because no term is negative: a term takes at most 3 (square,
  weight, difference), a sum of n terms in any order at most n - 1, on either side: 2 (n + 2) u of g.
- Underflow: D is within 2^-50 .. 2^40 and s at least 2^-9, so what a square loses is below 2^-149, far below
  n (t s F)^2; nothing overflows.

So s4^2 g4 - s6^2 g6 decides as the recipe does wherever it exceeds, in size, the sum over both candidates of
s^2 (c1 sqrt(g) + c2 g + c3), for MSE c1 = 2 t sqrt(n), c2 = 2 (n + 3) u, c3 = 2 n t^2. MAE and ABS_MAX have
s for s^2, c1 = 0 and c3 = 2 n t. Elsewhere the chunk is computed word for word.
"""

from __future__ import annotations

import numpy as np

from fos_ref.fast import config as k
from fos_ref.fast.codec import F32, U32
from fos_ref.fast.config import position
from fos_ref.fast.elements import (
    DIVIDE_BY_PRODUCT,
    DIVIDE_BY_QUOTIENT,
    NEGATIVE_VALUES,
    RECIPROCAL_OF_PRODUCT,
)
from fos_ref.fast.errors import MSE
from fos_ref.fast.hot import (
    encode16_bit,
    encode16_bit_divided,
    encode16_value,
    encode16_value_divided,
    sum16_magnitude,
    sum16_maximum,
    sum16_square,
)
from fos_ref.fast.hot_scales import (
    judge16_magnitudes,
    judge16_squares,
    usual_scales_one,
    usual_scales_two,
    write_bytes16,
)
from fos_ref.fast.lanes import (
    AMAX,
    BYTE6,
    CHOICE,
    CHOSEN,
    FACTOR4,
    FACTOR6,
    get,
    INVERSE4,
    INVERSE6,
    KEPT,
    LANES,
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
from fos_ref.fast.scales import DIVIDE_THEN_MULTIPLY, EXPAND_BEFORE_ROUNDING, ONE
from fos_ref.recipes.axes import Candidates, ErrorMetric, ScaleFloor

MAE = position(ErrorMetric.MAE)
SIX = position(Candidates.SIX)
NO_FLOOR = position(ScaleFloor.NONE)
SEVEN = F32(7)
ZERO = F32(0)
ROW = 16
GROUP = 16
TILE = 256
U = 2.0**-24
T = 99 * U


def _bounds(n: int) -> tuple[F32, ...]:
    """Return (c1, c2, c3 for squares, c3 for magnitudes), each a little larger than the proof asks."""
    exact = (2 * T * n**0.5, 2 * (n + 3) * U, 2 * n * T * T, 2 * n * T)
    return tuple(F32(c * 1.001) for c in exact)


BOUNDS16, BOUNDS256 = _bounds(ROW), _bounds(TILE)


@step
def divides(c: np.ndarray) -> bool:
    """Return whether the recipe divides its values by the factor."""
    kind = c[k.ELEMENT_SCALING_AT]
    return kind == DIVIDE_BY_PRODUCT or kind == DIVIDE_BY_QUOTIENT


@step
def is_usual(c: np.ndarray) -> bool:
    """Return whether the scale steps are those of hot_scales.usual_scales."""
    single = c[k.CANDIDATES_AT] == SIX
    paired = c[k.CANDIDATES_AT] == FOUR_OVER_SIX and c[k.MAP4_SCALE_AT] == EXPAND_BEFORE_ROUNDING
    return (
        (single or paired)
        and c[k.BLOCK_SCALE_AT] == DIVIDE_THEN_MULTIPLY
        and c[k.SCALE_FLOOR_AT] == NO_FLOOR
        and c[k.ELEMENT_SCALING_AT] == RECIPROCAL_OF_PRODUCT
    )


@step
def usual_and_regular(w: np.ndarray, two: bool) -> bool:
    """Store the usual block scales of 64 blocks; return whether every block is regular."""
    bad = U32(0)
    for group in range(0, LANES, GROUP):
        bad = U32(bad | (usual_scales_two(w, group) if two else usual_scales_one(w, group)))
    return bad == U32(0)


@step
def regular(w: np.ndarray, c: np.ndarray) -> bool:
    """Return whether 64 blocks have scales above zero and scaled values below 7, as the filter needs."""
    bad = _irregular(w, c, SCALE6, FACTOR6)
    if chooses(c):
        bad = U32(bad | _irregular(w, c, SCALE4, FACTOR4))
    return bad == U32(0)


@step
def _irregular(w: np.ndarray, c: np.ndarray, scale: int, factor: int) -> np.uint32:
    """Return 1 if some block is not regular; a NaN anywhere makes it so."""
    bad = U32(0)
    if divides(c):
        for i in range(LANES):
            y = F32(get(w, AMAX + i) / get(w, factor + i))
            bad = U32(bad | (U32(0) if y < SEVEN and get(w, scale + i) > ZERO else U32(1)))
    else:
        for i in range(LANES):
            y = F32(get(w, AMAX + i) * get(w, factor + i))
            bad = U32(bad | (U32(0) if y < SEVEN and get(w, scale + i) > ZERO else U32(1)))
    return bad


@walk
def decide(w: np.ndarray, c: np.ndarray) -> bool:
    """Store the choice of regular blocks; return False if some pair of errors is too close to call."""
    for i in range(LANES):
        store(w, SUM6 + i, U32(0))
        store(w, SUM4 + i, U32(0))
    _invert(w, divides(c))
    for row in range(0, c[k.VALUES_AT], ROW):
        _add_errors(w, c[k.ERROR_METRIC_AT], row)
    c1, c2, c3, c4 = BOUNDS16 if c[k.VALUES_AT] == ROW else BOUNDS256
    close = U32(0)
    for group in range(0, LANES, GROUP):
        if c[k.ERROR_METRIC_AT] == MSE:
            close = U32(close | judge16_squares(w, group, c1, c2, c3))
        else:
            close = U32(close | judge16_magnitudes(w, group, ZERO, c2, c4))
    return close == U32(0)


@step
def _invert(w: np.ndarray, divided: bool) -> None:
    """Store what the filter multiplies by."""
    for i in range(LANES):
        f6, f4 = get(w, FACTOR6 + i), get(w, FACTOR4 + i)
        put(w, INVERSE6 + i, F32(ONE / f6) if divided else f6)
        put(w, INVERSE4 + i, F32(ONE / f4) if divided else f4)


@step
def _add_errors(w: np.ndarray, metric: int, row: int) -> None:
    """Add the errors of one row of 16 values of each block to SUM6 and SUM4."""
    for group in range(0, LANES, GROUP):
        if metric == MSE:
            sum16_square(w, row, group)
        elif metric == MAE:
            sum16_magnitude(w, row, group)
        else:
            sum16_maximum(w, row, group)


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
        for group in range(0, LANES, GROUP):
            write_bytes16(w, group, KEPT, scales, first + row * stride + group)
            write_bytes16(w, group, CHOICE, picked, first + row * stride + group)


@step
def encode_regular(w: np.ndarray, c: np.ndarray, out: np.ndarray, first: int, stride: int, rows: int) -> None:
    """Write the codes of 64 regular blocks, whose factors are chosen, to words of `out`."""
    sign, divided = c[k.ZERO_SIGN_AT], divides(c)
    for row in range(rows):
        for group in range(0, LANES, GROUP):
            at, to = row * ROW, first + row * stride + 2 * group
            if sign == NEGATIVE_VALUES:
                if divided:
                    encode16_value_divided(w, out, at, group, to)
                else:
                    encode16_value(w, out, at, group, to)
            elif divided:
                encode16_bit_divided(w, out, at, group, to)
            else:
                encode16_bit(w, out, at, group, to)
