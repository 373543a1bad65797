"""Accumulators as data: what is added, in which order, how it is aligned and rounded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np

from fos_ref.formats.arrays import F32, F64, I64
from fos_ref.matmul.operand import Operand, ZERO_EXPONENT

HALF_ULP = 2.0**-24  #: the largest relative error of a rounding to nearest
_LOWEST_NORMAL = -126
_OVERFLOW = 2.0**128


class Terms(Enum):
    """What an accumulator adds."""

    ELEMENTS = "elements"  #: single products
    GROUPS = "groups"  #: products of 16 values, summed exactly, times both block scales


class Order(Enum):
    """In which order along K."""

    FORWARD = "forward"
    REVERSE = "reverse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accumulator:
    """A float32 accumulator.

    Without `align` every term is added by itself and rounded to nearest even. With it, `step` values of K
    enter together: their terms and the running sum are cut to `align` bits below the largest exponent,
    toward zero, added exactly, and the sum is cut to 24 bits, toward zero.
    """

    terms: Terms
    order: Order = Order.FORWARD
    align: int | None = None  #: fraction bits that the alignment keeps
    step: int = 1  #: values of K that one instruction takes
    lowest: int = _LOWEST_NORMAL  #: the exponent that subnormal elements keep (of the format of `values`)


@dataclass(frozen=True, slots=True)
class Running:
    """The running sum (M, N), and a bound for its distance from the exact sum."""

    total: F32
    bound: F64


def accumulate(x: Operand, y: Operand, form: Accumulator) -> Running:
    """Return the accumulator after all of K.

    Shapes:   x of M rows, y of N -> (M, N)
    Rounding: as `form` says. A product of E2M1 and E4M3 operands is exact; of MX operands the product of the
              block scales and the term are rounded to float32 where no alignment is.
    Specials: a NaN block scale makes its outputs NaN.
    """
    if form.align is None:
        return _sequential(x, y, form)
    return _aligned(x, y, form, form.align)


def _sequential(x: Operand, y: Operand, form: Accumulator) -> Running:
    total = np.zeros((len(x.elements), len(y.elements)), dtype=np.float32)
    bound = np.zeros(total.shape)
    with np.errstate(all="ignore"):
        for term in _terms(x, y, form):
            total = total + term
            bound += HALF_ULP * np.abs(total.astype(np.float64))
    return Running(total, bound)


def _terms(x: Operand, y: Operand, form: Accumulator) -> Iterator[F32]:
    """Yield float32 terms (M, N) in order."""
    if form.terms is Terms.ELEMENTS:
        left, right = x.flat(), y.flat()
        for k in _ordered(left.shape[1], form.order):
            yield left[:, k, None] * right[None, :, k]
        return
    for k in _ordered(x.elements.shape[1], form.order):
        scales = x.scales[:, k, None] * y.scales[None, :, k]
        yield scales * (x.values[:, k] @ y.values[:, k].T)


def _ordered(n: int, order: Order) -> range:
    return range(n) if order is Order.FORWARD else range(n - 1, -1, -1)


def _aligned(x: Operand, y: Operand, form: Accumulator, align: int) -> Running:
    total = np.zeros((len(x.elements), len(y.elements)), dtype=np.float32)
    bound = np.zeros(total.shape)
    if form.terms is Terms.ELEMENTS:
        x, y = x.single(), y.single()
    groups, n = x.elements.shape[1:]
    per_step = form.step // n
    for start in _ordered(-(-groups // per_step), form.order):
        steps = range(start * per_step, min((start + 1) * per_step, groups))
        values, exponents = _addends(x, y, form, steps)
        total, lost = _one_step(total, values, exponents, align)
        bound += lost
    return Running(total, bound)


def _addends(x: Operand, y: Operand, form: Accumulator, groups: range) -> tuple[list[F64], list[I64]]:
    """Return the exact terms of one instruction and the exponents by which they are aligned."""
    values, exponents = [], []
    for k in groups:
        if form.terms is Terms.GROUPS:
            scales = x.scales[:, k, None].astype(np.float64) * y.scales[None, :, k]
            with np.errstate(all="ignore"):
                values.append(scales * (x.values[:, k] @ y.values[:, k].T))
            exponents.append(x.exponent[:, k, None] + y.exponent[None, :, k])
            continue
        with np.errstate(all="ignore"):
            left, right = (o.values[:, k, 0] * o.scales[:, k] for o in (x, y))
        values.append(left[:, None].astype(np.float64) * right[None, :])
        exponents.append(exponent_of(left, form.lowest)[:, None] + exponent_of(right, form.lowest)[None, :])
    return values, exponents


def exponent_of(v: F32 | F64, lowest: int = _LOWEST_NORMAL) -> I64:
    """Return floor(log2 abs(v)), `lowest` for subnormal values, -126 for 0."""
    finite = np.where(np.isfinite(v), v, 0)
    exponent = np.maximum(np.frexp(finite)[1].astype(np.int64) - 1, lowest)
    return np.where(finite == 0, ZERO_EXPONENT, exponent)


def _one_step(total: F32, values: list[F64], exponents: list[I64], align: int) -> tuple[F32, F64]:
    """Return the running sum after one instruction, and what it may have lost."""
    largest = exponent_of(total)
    for e in exponents:
        largest = np.maximum(largest, e)
    unit = (largest - align).astype(np.int32)
    exact = np.zeros(total.shape)
    with np.errstate(all="ignore"):
        for v in (total.astype(np.float64), *values):
            exact += np.ldexp(np.trunc(np.ldexp(v, -unit)), unit)
        lost = (len(values) + 1) * np.ldexp(1.0, unit) + 2 * HALF_ULP * np.abs(exact)
    return toward_zero(exact), lost


def toward_zero(v: F64) -> F32:
    """Return float64 values as float32, cut toward zero; infinity from 2^128 on; a zero is +0."""
    with np.errstate(all="ignore"):
        single = v.astype(np.float32)
        larger = (np.abs(single.astype(np.float64)) > np.abs(v)) & (np.abs(v) < _OVERFLOW)
    return np.where(larger, np.nextafter(single, np.float32(0)), single) + np.float32(0)
