"""Which candidate of each block has the smaller exact error: float64 where its bound decides, else rationals.

The error of a block is a sum of (p - y)^2 or |p - y|, or the largest |p - y|, where p is what a code is worth
and y the input, both times one factor that makes them exact in float64. The recipe's rounded errors are not
used here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fos_ref.errors import InputError
from fos_ref.formats.arrays import Bool, F64
from fos_ref.model.trace import Candidate, Scales, Trace
from fos_ref.oracle.exact_error import AMAX_FORMS
from fos_ref.recipes.axes import ErrorDomain, ErrorMetric
from fos_ref.recipes.recipe import Recipe

Sign: TypeAlias = NDArray[np.int8]

UNIT = 2.0**-53  #: u, the largest relative error of one float64 rounding
_DIGITS = 53


@dataclass(frozen=True, slots=True)
class Frame:
    """N blocks of n values in which nothing is rounded: the exact errors are those of p6 - y and p4 - y."""

    p6: F64  #: (n, N) what the map-to-6 codes are worth, times `factor`
    p4: F64  #: (n, N)
    y: F64  #: (n, N) the inputs, times `factor`
    factor: F64  #: (N,) or ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The exact comparison of N blocks."""

    sign: Sign  #: (N,) the sign of err4 - err6, exact: 0 is an exact tie
    err4: F64  #: (N,) the errors of the frame within `bound(n)` of the exact ones, relative to them
    err6: F64
    rational: int  #: blocks that only rational numbers could decide


def bound(n: int) -> float:
    """Return a bound for the relative error of a float64 block error over n values, summed in any order.

    p and y are exact, so d = (p - y)(1 + e1), d*d = (p - y)^2 (1 + e1)^2 (1 + e2), and a term goes through at
    most n - 1 additions: n + 2 factors 1 + e with |e| <= u = 2^-53. All terms are positive or zero, hence
    |computed - exact| <= g * exact with g = (n + 2)u / (1 - (n + 2)u), which is below (n + 3)u. Nothing
    underflows or overflows: see `frame`. |d| has fewer roundings, a maximum of |d| fewer still.
    """
    return (n + 3) * UNIT


def frame(t: Trace, r: Recipe) -> Frame:
    """Return the exact terms of the error that recipe r measures, from a trace of its candidates.

    Shapes:   t with (T, B, n) values -> (n, T * B)
    Rounding: none. A factor of C, 1 or S turns the value of a code, (q*s)*A/C, (q*s)*D or (q*s)/S, into a
              product of q (24 bits at most), s (4 bits) and A or D (24 bits): 52 bits; x times C (5 bits)
              or S (24 bits) has 48. Both are multiples of 2^-298 below 2^266, so that their differences,
              squares and sums of 256 squares stay between 2^-596 and 2^541, inside float64's normal range.
    Specials: the domain `trial` measures no codes of its own: there, the value that N14 gives the codes.
    Raises:   InputError for values, codes or scales that are not finite.
    """
    assert t.map6 is not None
    assert t.map4 is not None
    worth, factor = _WORTH[decode_form(r)](t.scales, r)
    blocks = t.block_amax.shape
    worth = np.broadcast_to(worth, blocks).ravel()
    factor = np.broadcast_to(factor, blocks).ravel()
    found = Frame(_worth(t.map6, worth), _worth(t.map4, worth), _columns(t.x) * factor, factor)
    if not all(np.isfinite(v).all() for v in (found.p6, found.p4, found.y)):
        msg = (
            f"recipe {r.name!r}: a NaN or an infinity among inputs, codes or scales: finite ones are allowed"
        )
        raise InputError(msg)
    return found


def decode_form(r: Recipe) -> str:
    """Return which decode factor the exact error of r has: "A/C", "D" or "1/S"."""
    match r.error_domain:
        case ErrorDomain.INPUT_AMAX:
            return "A/C"
        case ErrorDomain.SCALED | ErrorDomain.INPUT_QUOTIENT:
            return "1/S"
        case ErrorDomain.TRIAL if r.dequantize in AMAX_FORMS:
            return "A/C"
        case _:
            return "D"


#: decode form -> (tensor scales, recipe) -> what one unit of q*s is worth, and the factor on the inputs
_WORTH: Mapping[str, Callable[[Scales, Recipe], tuple[F64, F64]]] = MappingProxyType(
    {
        "A/C": lambda t, r: (_double(t.amax), _double(r.range_max)),
        "D": lambda t, _: (_double(t.decode), _double(1)),
        "1/S": lambda t, _: (_double(1), _double(t.encode)),
    }
)


def _double(v: object) -> F64:
    return np.asarray(v, dtype=np.float64)


def _columns(v: NDArray[np.float32]) -> F64:
    """Return (T, B, n) as (n, T * B): sums over a block run along whole rows of memory."""
    return np.ascontiguousarray(v.reshape(-1, v.shape[-1]).T, dtype=np.float64)


def _worth(c: Candidate, worth: F64) -> F64:
    values: F64 = _columns(c.values) * (c.scale.ravel().astype(np.float64) * worth)
    return values


# --- errors in float64 --------------------------------------------------------------------------------


def in_float64(f: Frame, metric: ErrorMetric) -> tuple[F64, F64]:
    """Return (err4, err6), each (N,), within `bound(n)`; the same bits on every machine."""
    err4, err6 = (_TOTAL[metric](p - f.y) for p in (f.p4, f.p6))
    return err4, err6


def _tree(terms: F64) -> F64:
    """Return the sums over the first axis by halves: written out, so that no library chooses the order."""
    while len(terms) > 1:
        half = len(terms) // 2
        terms = terms[:half] + terms[half:]
    total: F64 = terms[0]
    return total


_TOTAL: Mapping[ErrorMetric, Callable[[F64], F64]] = MappingProxyType(
    {
        ErrorMetric.MSE: lambda d: _tree(d * d),
        ErrorMetric.MAE: lambda d: _tree(np.abs(d)),
        ErrorMetric.ABS_MAX: lambda d: np.max(np.abs(d), axis=0),
    }
)


# --- the exact comparison -----------------------------------------------------------------------------


def compare(f: Frame, metric: ErrorMetric) -> Verdict:
    """Return the sign of err4 - err6 for every block: exact, whatever float64 rounded.

    Computed errors e4 and e6 decide where |e4 - e6| > 2 b (e4 + e6), b = `bound(n)`: an exact error lies
    within b' = b / (1 - b) of the computed one, and 2 b leaves room for the three roundings of the test
    itself. What is left is decided by `_settle`.
    """
    err4, err6 = in_float64(f, metric)
    difference = err4 - err6
    sign = np.sign(difference).astype(np.int8)
    close = np.flatnonzero(np.abs(difference) <= 2 * bound(len(f.y)) * (err4 + err6))
    rational = 0
    if close.size:
        sign[close], rational = _settle(f.p4[:, close], f.p6[:, close], f.y[:, close], metric)
    return Verdict(sign, err4, err6, rational)


def _settle(p4: F64, p6: F64, y: F64, metric: ErrorMetric) -> tuple[Sign, int]:
    """Return (signs, how many took rationals) of blocks (n, K) whose float64 errors are too close.

    In a sum, elements of equal worth in both candidates add the same to both and are left out. Where the
    rest has few enough bits, float64 is exact; else Fractions decide.
    """
    d4, d6 = p4 - y, p6 - y
    counted = (p4 != p6) | (metric is ErrorMetric.ABS_MAX)
    exact = ((_lost(p4, y, d4) == 0) & (_lost(p6, y, d6) == 0)) | ~counted
    d4, d6 = np.where(counted, d4, 0.0), np.where(counted, d6, 0.0)
    safe = exact.all(axis=0) & (_digits(d4, d6, metric) <= _DIGITS)
    sign = np.sign(_TOTAL[metric](d4) - _TOTAL[metric](d6)).astype(np.int8)
    for i in np.flatnonzero(~safe):
        sign[i] = by_rationals(p4[:, i], p6[:, i], y[:, i], metric)
    return sign, int(np.count_nonzero(~safe))


def _lost(a: F64, b: F64, difference: F64) -> F64:
    """Return what rounding took from a - b: Knuth's two-sum, exact."""
    virtual = difference - a
    return (a - (difference - virtual)) - (b + virtual)


def _digits(d4: F64, d6: F64, metric: ErrorMetric) -> NDArray[np.int64]:
    """Return how many binary digits hold every partial sum of the terms of blocks (n, K), at most.

    All differences are multiples of 2^L and below 2^H: their sum over n has H - L + log2(n) digits, that of
    their squares 2 (H - L) + log2(n), and a maximum none to spare.
    """
    d = np.concatenate([d4, d6])
    fraction, exponent = np.frexp(d)
    whole = (fraction * 2.0**_DIGITS).astype(np.int64)
    lowest = exponent - _DIGITS + np.frexp((whole & -whole).astype(np.float64))[1] - 1
    high = np.max(np.where(d == 0, -(1 << 20), exponent), axis=0)
    low = np.min(np.where(d == 0, 1 << 20, lowest), axis=0)
    span = np.maximum(high.astype(np.int64) - low, 0)
    if metric is ErrorMetric.ABS_MAX:
        return np.zeros_like(span)
    digits: NDArray[np.int64] = (2 if metric is ErrorMetric.MSE else 1) * span + (len(d4) - 1).bit_length()
    return digits


def by_rationals(p4: F64, p6: F64, y: F64, metric: ErrorMetric) -> int:
    """Return the sign of err4 - err6 of one block (n,), in rational numbers throughout."""
    err4, err6 = (rational_error(p, y, metric) for p in (p4, p6))
    return (err4 > err6) - (err4 < err6)


def rational_error(p: F64, y: F64, metric: ErrorMetric) -> Fraction:
    """Return the error of one block (n,) as a rational number, in units of the frame."""
    d = [abs(Fraction(a) - Fraction(b)) for a, b in zip(p.tolist(), y.tolist(), strict=True)]
    if metric is ErrorMetric.ABS_MAX:
        return max(d)
    return sum((v * v if metric is ErrorMetric.MSE else v for v in d), start=Fraction(0))


def picks_4(v: Verdict, *, four_wins_ties: bool) -> Bool:
    """Return (N,): True where map-to-4 has the smaller exact error, or an equal one and wins ties."""
    picks: Bool = v.sign <= 0 if four_wins_ties else v.sign < 0
    return picks
