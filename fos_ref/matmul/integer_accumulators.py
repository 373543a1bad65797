"""Accumulators of one output on whole numbers of 2^-20: beside `accumulate`, which has arrays of floats."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from fos_ref.matmul.accumulate import Accumulator, Order, Terms
from fos_ref.matmul.operand import Operand, operands, ZERO_EXPONENT
from fos_ref.storage.tensor import QuantizedTensor

PLACES = 20  #: a term of E2M1 codes under E4M3 scales is a whole number of 2^-20
_DIGITS = 24
_GROUP = 16


class Term(NamedTuple):
    """An addend: a whole number of 2^-20, and the exponent by which it is aligned."""

    value: int
    exponent: int


def terms_of(a: QuantizedTensor, b: QuantizedTensor, form: Accumulator) -> tuple[Term, ...]:
    """Return the terms of a (1, K) and b (1, K) of recipe nvfp4, in the order of K."""
    x, y = operands(a, b, "terms")
    return _groups(x, y) if form.terms is Terms.GROUPS else _elements(x, y, form.lowest)


def _groups(x: Operand, y: Operand) -> tuple[Term, ...]:
    dots = np.einsum("gk,gk->g", x.elements[0], y.elements[0]) * x.sigma[0] * y.sigma[0]
    shift = x.unit + y.unit + PLACES
    exponents = (x.exponent[0] + y.exponent[0]).tolist()
    return tuple(Term(int(d) << shift, e) for d, e in zip(dots.tolist(), exponents, strict=True))


def _elements(x: Operand, y: Operand, lowest: int) -> tuple[Term, ...]:
    shift = x.unit + y.unit + PLACES
    left, right = (_flat(o, lowest) for o in (x, y))
    return tuple(Term((p * q) << shift, d + e) for (p, d), (q, e) in zip(left, right, strict=True))


def _flat(x: Operand, lowest: int) -> list[tuple[int, int]]:
    """Return each value of a row: elements times sigma, and its exponent."""
    whole = (x.elements[0] * x.sigma[0][:, None]).ravel().tolist()
    return [(v, max(abs(v).bit_length() - 1 + x.unit, lowest) if v else ZERO_EXPONENT) for v in whole]


def added(terms: Sequence[Term], form: Accumulator) -> float:
    """Return the accumulator after all terms; float64 holds its 24 bits."""
    if form.align is None:
        total = 0
        for t in terms if form.order is Order.FORWARD else reversed(terms):
            total = _nearest(total + t.value)
        return total * 2.0**-PLACES
    size = form.step // (_GROUP if form.terms is Terms.GROUPS else 1)
    steps = [tuple(terms[i : i + size]) for i in range(0, len(terms), size)]
    total = 0
    for step in steps if form.order is Order.FORWARD else reversed(steps):
        total = _one_step(total, step, form.align)
    return total * 2.0**-PLACES


@lru_cache(maxsize=1 << 16)
def _one_step(total: int, step: Sequence[Term], align: int) -> int:
    """Return the running sum after one instruction: all cut at one bit, added, cut to 24 bits."""
    own = total.bit_length() - 1 - PLACES if total else ZERO_EXPONENT
    places = max(own, *(t.exponent for t in step)) - align + PLACES
    whole = sum(_cut(v, places) for v in (total, *(t.value for t in step)))
    return _cut(whole, abs(whole).bit_length() - _DIGITS)


def _cut(n: int, places: int) -> int:
    """Return a whole number without its last places, toward zero."""
    if places <= 0:
        return n
    size = abs(n) >> places << places
    return -size if n < 0 else size


def _nearest(n: int) -> int:
    """Return a whole number rounded to 24 bits, ties to even."""
    places = abs(n).bit_length() - _DIGITS
    if places <= 0:
        return n
    low, rest = abs(n) >> places, abs(n) & ((1 << places) - 1)
    half = 1 << (places - 1)
    low += rest > half or (rest == half and low & 1)
    return -(low << places) if n < 0 else low << places


__all__ = ["Term", "added", "terms_of"]
