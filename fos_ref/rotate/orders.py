"""The orders in which programs sum a rotation in float32: each is written out, none is NumPy's own."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from types import MappingProxyType

import numpy as np

from fos_ref.formats.arrays import F32, I64
from fos_ref.rotate.matrix import sylvester


class Order(Enum):
    """How the sum of an output is taken."""

    EXACT = "exact"  #: without rounding; the result alone is rounded
    SEQUENTIAL = "sequential"  #: products with the entries, added from the first to the last
    SUM_THEN_SCALE = "sum-then-scale"  #: signed values added from the first to the last, then times the entry
    FWHT = "fwht"  #: butterflies of stride 1, 2, 4, ..., then times the entry


def _sequential(x: F32, entry: np.float32) -> F32:
    """Return the outputs of rows (K, n): one rounding a product, one an addition."""
    h = sylvester(x.shape[1]).astype(np.float32) * entry
    total: F32 = x[:, 0, None] * h[0]
    for r in range(1, x.shape[1]):
        total = total + x[:, r, None] * h[r]
    return total


def _sum_then_scale(x: F32, entry: np.float32) -> F32:
    """Return the outputs of rows (K, n): one rounding an addition, one for the product."""
    return _sequential(x, np.float32(1)) * entry


def _fwht(x: F32, entry: np.float32) -> F32:
    """Return the outputs of rows (K, n): a + b and a - b of values 1, 2, 4, ... apart, then the product."""
    v, n = x, x.shape[1]
    stride = 1
    while stride < n:
        pairs = v.reshape(-1, n // (2 * stride), 2, stride)
        a, b = pairs[:, :, 0], pairs[:, :, 1]
        v = np.stack([a + b, a - b], axis=2).reshape(-1, n)
        stride *= 2
    return v * entry


_IN_FLOAT32: MappingProxyType[Order, Callable[[F32, np.float32], F32]] = MappingProxyType(
    {Order.SEQUENTIAL: _sequential, Order.SUM_THEN_SCALE: _sum_then_scale, Order.FWHT: _fwht}
)


def in_float32(x: F32, entry: float, order: Order) -> F32:
    """Return the outputs of rows (K, n) of signed values in one of the orders that round."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return _IN_FLOAT32[order](x, np.float32(entry))


def exact_sums(whole: I64) -> I64:
    """Return the sums of rows (K, n) of whole numbers over each column of the matrix: nothing is rounded."""
    v, n = whole, whole.shape[1]
    stride = 1
    while stride < n:
        pairs = v.reshape(-1, n // (2 * stride), 2, stride)
        a, b = pairs[:, :, 0], pairs[:, :, 1]
        v = np.stack([a + b, a - b], axis=2).reshape(-1, n)
        stride *= 2
    return v
