"""The certificate of groups at the speed of float32: P, N and the lowest bit of all group products.

A float32 sum of terms of one sign, each a multiple of 2^u, is exact as long as it is at most 2^(24+u). Once
the exact sum is above, every computed one is 2^(24+u) at least, because rounding is monotone. So a computed
sum below the limit is exact, and one above it is above. Only those on the limit are asked again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import NamedTuple

import numpy as np

from fos_ref.formats.arrays import Bool, F32
from fos_ref.matmul.operand import Operand
from fos_ref.matmul.sums import FAR, tiles

DIGITS = 24  #: of float32
_SCALE_BITS = 8  #: of a product of two block scales
_TILE = 128  #: rows and columns of a tile: products of 128 x 16 x 128 run on one thread in every OpenBLAS
_AT_ONCE = 4  #: groups whose products lie in the cache together
_NONE = np.float32(2.0**100)  #: stands for the lowest bit where no term is


class Side(NamedTuple):
    """An operand group by group, (groups, rows, ...), in float32, which holds all of it."""

    elements: F32  #: (G, R, n)
    sigma: F32  #: (G, R)
    low: F32  #: (G, R) the lowest bit of sigma, as a power of two


class _Span(NamedTuple):
    """What decides, in units: P and N as the head of this file says, and 2^u of all terms that are not 0."""

    positive: F32
    negative: F32
    lowest: F32


def fits(x: Operand, y: Operand) -> bool:
    """Return whether every group product and its scales are float32 here: E2M1 and INT4 under E4M3."""
    if x.denominator * y.denominator > 1 or x.power_scales or y.power_scales:
        return False
    if object in (x.sigma.dtype, y.sigma.dtype):
        return False
    most = int(np.abs(x.elements).max(initial=0)) * int(np.abs(y.elements).max(initial=0))
    return bool(most * x.elements.shape[2] <= 1 << (DIGITS - _SCALE_BITS))


def certified(x: Operand, y: Operand, aligned: int) -> Bool:
    """Return where max(P, N) <= 2^(24+u) and 2^u is kept `aligned` bits below the largest pair of scales.

    Operands that `fits` accepts. NaN block scales count as 0 here.
    """
    found = np.zeros((len(x.elements), len(y.elements)), dtype=np.bool_)
    left, right = side(x), side(y)

    def one(part: tuple[slice, slice]) -> None:
        span = _tile(left, right, *part)
        found[part] = _below(span, x, y, part) & _kept(span.lowest, x, y, part, aligned)

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(one, product(tiles(found.shape[0], _TILE), tiles(found.shape[1], _TILE))))
    return found


def side(x: Operand) -> Side:
    """Return an operand group by group."""
    sigma = np.ascontiguousarray(x.sigma.T)
    return Side(
        elements=np.ascontiguousarray(x.elements.transpose(1, 0, 2), dtype=np.float32),
        sigma=sigma.astype(np.float32),
        low=(sigma & -sigma).astype(np.float32),
    )


def _tile(x: Side, y: Side, rows: slice, cols: slice) -> _Span:
    """Return P, N and 2^u of the outputs of a tile, over all groups, some at a time."""
    shape = (rows.stop - rows.start, cols.stop - cols.start)
    positive, negative = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    lowest = np.full(shape, _NONE, dtype=np.float32)
    for start in range(0, len(x.sigma), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        term = x.elements[some, rows] @ y.elements[some, cols].swapaxes(1, 2)
        work = _lowest(term, x.low[some, rows], y.low[some, cols])
        np.minimum(lowest, work.min(axis=0), out=lowest)
        term *= x.sigma[some, rows, None]
        term *= y.sigma[some, None, cols]
        np.maximum(term, 0, out=work)
        positive += work.sum(axis=0)
        np.subtract(work, term, out=work)
        negative += work.sum(axis=0)
    return _Span(positive, negative, lowest)


def _lowest(dots: F32, left: F32, right: F32) -> F32:
    """Return the lowest bit of each term as a power of two, _NONE for 0."""
    whole = dots.astype(np.int32)
    whole &= -whole
    found = whole.astype(np.float32)
    found *= left[..., None]
    found *= right[:, None]
    np.copyto(found, _NONE, where=found == 0)
    return found


def _below(span: _Span, x: Operand, y: Operand, part: tuple[slice, slice]) -> Bool:
    """Return where max(P, N) <= 2^(24+u)."""
    limit = span.lowest * np.float32(1 << DIGITS)
    larger = np.maximum(span.positive, span.negative)
    sure: Bool = larger < limit
    for i, j in _places(larger == limit):
        sure[i, j] = _larger(x, y, i + part[0].start, j + part[1].start) <= int(limit[i, j])
    return sure


def _kept(lowest: F32, x: Operand, y: Operand, part: tuple[slice, slice], aligned: int) -> Bool:
    """Return where 2^u is kept by an alignment: by the largest exponents of both rows, or of a pair."""
    rows, cols = part
    bit = np.frexp(lowest)[1].astype(np.int64) - 1 + x.unit + y.unit
    bit[lowest == _NONE] = FAR
    left, right = (o.exponent[at].max(axis=1, initial=-FAR) for o, at in ((x, rows), (y, cols)))
    kept: Bool = bit >= left[:, None] + right - aligned
    for i, j in _places(~kept):
        top = int((x.exponent[i + rows.start] + y.exponent[j + cols.start]).max())
        kept[i, j] = bit[i, j] >= top - aligned
    return kept


def _places(where: Bool) -> Iterator[tuple[int, int]]:
    yield from zip(*(n.tolist() for n in np.nonzero(where)), strict=True)


def _larger(x: Operand, y: Operand, i: int, j: int) -> int:
    """Return max(P, N) of one output in whole numbers."""
    terms = np.einsum("gk,gk->g", x.elements[i], y.elements[j]).astype(object) * x.sigma[i] * y.sigma[j]
    values: list[int] = terms.tolist()
    positive = sum(t for t in values if t > 0)
    return max(positive, positive - sum(values))
