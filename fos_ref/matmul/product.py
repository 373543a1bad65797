"""The exact product of two quantized tensors, and the same with tensor scales, rounded once."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from fos_ref.arguments import one_of
from fos_ref.formats.arrays import AnyArray, Bool, F64
from fos_ref.formats.environment import check_float_environment
from fos_ref.matmul.alpha import ratios
from fos_ref.matmul.nearest import FORMS, nearest
from fos_ref.matmul.operand import operands
from fos_ref.matmul.sums import nan_outputs, unit_of, whole_total
from fos_ref.storage.tensor import QuantizedTensor

_LEAST_NORMAL = -1022
_HIGHEST = 1023


def exact(a: QuantizedTensor, b: QuantizedTensor) -> F64 | AnyArray:
    """Return sum over k of a[i,k] * b[j,k] in codes times block scales: exact, without the tensor scales.

    Shapes:   a (M, K), b (N, K), both blocked along K; leading axes count as rows -> (M, N)
    Dtypes:   float64 where it holds every output exactly, else an object array of Fractions
    Rounding: none. INT4 beside E2M1 counts in 6/7 itself, not in its float32: outputs are over 49.
    Specials: an output that meets a NaN block scale is NaN, whatever the codes are. The sign bit of an E4M3
              scale is ignored. A zero is +0.
    Raises:   ShapeError for different K, DtypeError for what is no QuantizedTensor, InputError for elements
              that have no product here.
    Source:   docs/products.md, "The exact product".
    """
    check_float_environment()
    x, y = operands(a, b, "exact")
    power, denominator = unit_of(x, y)
    return _values(whole_total(x, y), power, denominator, nan_outputs(x, y))


def rounded(a: QuantizedTensor, b: QuantizedTensor, out: str = "float32") -> AnyArray:
    """Return the exact product times the exact ratio of the tensor scales, rounded once.

    out:      "float32", "bfloat16" or "float16"
    Shapes:   a (M, K), b (N, K) -> (M, N)
    Rounding: one, to nearest, ties to even; past the largest value infinity.
    Specials: NaN as in `exact`; a tensor scale that is not finite makes its outputs NaN. A zero is +0.
    Raises:   as `exact`; InputError for another `out`.
    """
    one_of(out, FORMS, "out")
    raw = exact(a, b)
    left, right = ratios(a), ratios(b)
    found = np.empty(raw.shape, dtype=FORMS[out].dtype)
    for i, row in enumerate(raw.tolist()):
        for j, value in enumerate(row):
            scale = _times(left[i % len(left)], right[j % len(right)])
            nan = scale is None or value != value  # noqa: PLR0124
            found[i, j] = np.nan if nan else nearest(Fraction(value) * scale, FORMS[out])
    return found


def _times(x: Fraction | None, y: Fraction | None) -> Any:
    return None if x is None or y is None else x * y


def _values(total: Any, power: int, denominator: int, nan: Bool) -> F64 | AnyArray:
    """Return total * 2^power / denominator: float64 where all are exact, else Fractions."""
    if denominator > 1 and np.all(total % denominator == 0):
        total, denominator = total // denominator, 1
    if denominator == 1 and _fits(total, power):
        values = np.ldexp(total.astype(np.float64), power) + 0.0
        return np.where(nan, np.nan, values)
    unit = Fraction(2) ** power / denominator
    found = np.empty(total.shape, dtype=object)
    for place, t in np.ndenumerate(total):
        found[place] = float("nan") if nan[place] else int(t) * unit
    return found


def _fits(total: Any, power: int) -> bool:
    """Return whether float64 holds every total * 2^power."""
    if power < _LEAST_NORMAL:
        return False
    if total.dtype == np.float64:
        return True
    if total.dtype != object:
        wide = total.astype(np.float64)
        return bool(np.all(wide.astype(np.int64) == total))
    try:
        return all(int(float(t)) == t and t.bit_length() + power <= _HIGHEST for t in map(int, total.ravel()))
    except OverflowError:
        return False
