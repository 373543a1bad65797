"""The exact sums of all outputs, block by block: of the terms, of their magnitudes, and of their bits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from fos_ref.formats.arrays import AnyArray, Bool, F64, I64
from fos_ref.matmul.operand import GROUP, Operand

TILE = 256  #: rows and columns of the outputs that are computed together
SINGLE = 2.0**24  #: whole numbers up to here are float32
EXACT = 2.0**53  #: whole numbers up to here are float64
_MARGIN = 1 - 2.0**-20  #: for the roundings of a sum of magnitudes that is itself computed in float64
_INT64 = 1 << 62
FAR = 1 << 20  #: an exponent that no block scale has


@dataclass(frozen=True, slots=True)
class Sums:
    """What the group products T of each output (M, N) add up to, in units of 2^unit."""

    total: Any  #: the sum of all T: int64, or Python integers
    size: Any  #: the sum of abs(T)
    bits: Any  #: the bits of all abs(T), joined by OR: its lowest one is the lowest of all
    top: I64  #: the largest sum of the exponents of a pair of block scales
    bottom: I64  #: the smallest one of a pair whose T is not 0
    nan: Bool  #: where a block scale is NaN
    uneven: Bool  #: where a term counts in a step that is no power of two: its float32 is rounded


def unit_of(x: Operand, y: Operand) -> tuple[int, int]:
    """Return (power of two, denominator) of the products."""
    return x.unit + y.unit, x.denominator * y.denominator


def group_sums(x: Operand, y: Operand) -> Sums:
    """Return the sums over the groups. int64 where its range holds them, else Python integers."""
    groups, n = x.elements.shape[1:]
    dtype: Any = np.int64 if x.largest * y.largest * n * max(groups, 1) < _INT64 else object
    shape = (len(x.elements), len(y.elements))
    found = Sums(
        *(np.zeros(shape, dtype=dtype) for _ in range(3)),
        *(np.full(shape, far, dtype=np.int64) for far in (-FAR, FAR)),
        *(np.zeros(shape, dtype=np.bool_) for _ in range(2)),
    )
    for rows in tiles(shape[0]):
        for cols in tiles(shape[1]):
            _add_tile(found, x, y, rows, cols)
    return found


def tiles(length: int, size: int = TILE) -> Iterator[slice]:
    """Yield the slices of a length, `size` each."""
    for start in range(0, length, size):
        yield slice(start, min(start + size, length))


def group_products(x: Operand, y: Operand, rows: slice, cols: slice, k: int) -> AnyArray:
    """Return the whole numbers I of group k, as floats or Python integers that hold every order's sums."""
    left, right = x.elements[rows, k], y.elements[cols, k]
    most = int(np.abs(left).max(initial=0)) * int(np.abs(right).max(initial=0)) * left.shape[1]
    dtype: Any = np.float32 if most <= SINGLE else np.float64 if most <= EXACT else object
    found: AnyArray = left.astype(dtype) @ right.astype(dtype).T
    return found


def _add_tile(found: Sums, x: Operand, y: Operand, rows: slice, cols: slice) -> None:
    where = (rows, cols)
    dtype = found.total.dtype
    for k in range(x.elements.shape[1]):
        product = group_products(x, y, rows, cols, k)
        product = (product if product.dtype == object else product.astype(np.int64)).astype(dtype)
        scale = x.sigma[rows, k].astype(dtype)[:, None] * y.sigma[cols, k].astype(dtype)[None, :]
        term = product * scale
        found.total[where] += term
        size = np.abs(term)
        found.size[where] += size
        found.bits[where] |= size
        exponent = x.exponent[rows, k][:, None] + y.exponent[cols, k][None, :]
        np.maximum(found.top[where], exponent, out=found.top[where])
        low = np.where(term != 0, exponent, FAR)
        np.minimum(found.bottom[where], low, out=found.bottom[where])
        found.nan[where] |= x.nan[rows, k][:, None] | y.nan[cols, k][None, :]
        if x.denominator * y.denominator > 1:
            mixed = x.uneven[rows, k][:, None] | y.uneven[cols, k][None, :]
            found.uneven[where] |= mixed & (term != 0)


def products(x: Operand) -> F64 | None:
    """Return elements times sigma as float64 (R, K); None where they need more than 53 bits."""
    if x.largest > EXACT:
        return None
    rows, groups, n = x.elements.shape
    wide: F64 = x.elements.astype(np.float64) * x.sigma.astype(np.float64)[..., None]
    return wide.reshape(rows, groups * n)


def whole_total(x: Operand, y: Operand) -> Any:
    """Return the exact sum of all products (M, N), as float64, int64 or Python integers.

    float64 where abs(X) @ abs(Y).T <= 2^53: then every order, every FMA and every number of threads gives
    the exact sum. Longer sums in parts of K that are float64, added as int64. Elsewhere Python integers.
    """
    left, right = products(x), products(y)
    if left is None or right is None:
        return group_sums(x, y).total
    length = left.shape[1]
    if _is_exact(left, right):
        return left @ right.T
    if x.largest * y.largest * length >= _INT64:
        return group_sums(x, y).total
    step = int(EXACT * _MARGIN) // (x.largest * y.largest)  # every part of so many terms is exact
    if step < GROUP:
        return group_sums(x, y).total
    total = np.zeros((len(left), len(right)), dtype=np.int64)
    for part in _parts(left, right, step):
        total += (left[:, part] @ right[:, part].T).astype(np.int64)
    return total


def _is_exact(left: F64, right: F64) -> bool:
    """Return whether no sum of magnitudes passes 2^53: by Cauchy and Schwarz where that is enough."""
    if left.size == 0 or right.size == 0:
        return True
    norms = [float(np.einsum("ik,ik->i", m, m).max()) for m in (left, right)]
    if norms[0] * norms[1] <= (EXACT * _MARGIN) ** 2:
        return True
    size = np.abs(left) @ np.abs(right).T
    return float(size.max()) <= EXACT * _MARGIN


def _parts(left: F64, right: F64, step: int) -> Iterator[slice]:
    """Yield parts of K whose sums are exact: halves until they are, down to `step`, which always is."""
    todo = [slice(0, left.shape[1])]
    while todo:
        part = todo.pop()
        if part.stop - part.start <= step or _is_exact(left[:, part], right[:, part]):
            yield part
        else:
            middle = (part.start + part.stop) // 2
            todo += [slice(middle, part.stop), slice(part.start, middle)]


def nan_outputs(x: Operand, y: Operand) -> Bool:
    """Return (M, N): where a block scale of the row or of the column is NaN."""
    found: Bool = np.any(x.nan, axis=1)[:, None] | np.any(y.nan, axis=1)[None, :]
    return found
