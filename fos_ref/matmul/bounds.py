"""How far a float32 accumulation can be from the exact sum: in any order, in a tree, along a known order."""

from __future__ import annotations

import numpy as np

from fos_ref.arguments import one_of
from fos_ref.formats.arrays import F64
from fos_ref.formats.environment import check_float_environment
from fos_ref.matmul.accumulate import HALF_ULP
from fos_ref.matmul.certify import LEVELS
from fos_ref.matmul.models import Factors, MODELS
from fos_ref.matmul.operand import Operand, operands
from fos_ref.matmul.run import raw
from fos_ref.matmul.sums import group_sums, nan_outputs, products, unit_of
from fos_ref.storage.tensor import QuantizedTensor

ROUNDINGS = ("nearest", "any")
_UP = 1 + 2.0**-40  #: for the roundings of a bound that is computed in float64
#: Models whose accumulator adds codes times block scales.
RUNNING = tuple(n for n, m in MODELS.items() if m.accumulator is not None and m.factors is Factors.CODES)
ORDERS = ("any", "tree", *RUNNING)


def bound(
    a: QuantizedTensor,
    b: QuantizedTensor,
    order: str = "any",
    *,
    level: str = "element",
    rounding: str = "any",
) -> F64:
    """Return a bound for abs(accumulator - exact sum), before alpha, of each output.

    order:    "any": every order and every tree. "tree": balanced ones. A model: its own order, along which
              the partial sums are known; `level` and `rounding` are then the model's
    level:    what is added, as for `certificate`
    rounding: "nearest", or "any": up, down and toward zero too
    Shapes:   a (M, K), b (N, K) -> (M, N) float64
    Values:   with v the largest relative error of one rounding (2^-24 to nearest, 2^-23 else), n terms t and
              height h (n - 1, in a tree ceil(log2 n)): h*v / (1 - h*v) * sum abs(t). A model: the sum of
              v*abs(partial sum), and of what its alignment may cut.
    Rounding: up, by 2^-40 of the bound.
    Specials: NaN where a block scale is NaN; 0 where no term is there. Overflow is not in it.
    Raises:   as `exact`; InputError for other words.
    """
    one_of(order, ORDERS, "order")
    one_of(level, LEVELS, "level")
    one_of(rounding, ROUNDINGS, "rounding")
    check_float_environment()
    x, y = operands(a, b, "bound")
    if order in RUNNING:
        return np.where(nan_outputs(x, y), np.nan, raw(a, b, order).bound * _UP)
    if level == "element":
        x, y = x.single(), y.single()
    n = x.elements.shape[1]
    height = n - 1 if order == "any" else max(n - 1, 0).bit_length()
    error = height * (HALF_ULP if rounding == "nearest" else 2 * HALF_ULP)
    if error >= 1:
        return np.full((len(x.elements), len(y.elements)), np.inf)
    found: F64 = magnitudes(x, y) * (error / (1 - error)) * _UP
    return found


def magnitudes(x: Operand, y: Operand) -> F64:
    """Return the sum of the magnitudes of the terms of each output, within a few float64 roundings.

    Of single products: one float64 product of matrices, up by as much as its roundings can be down.
    """
    unit, denominator = unit_of(x, y)
    size = _single(x, y) if x.elements.shape[2] == 1 else None
    if size is None:
        size = group_sums(x, y).size.astype(np.float64)
    found: F64 = np.ldexp(size, unit) / denominator
    found[nan_outputs(x, y)] = np.nan
    return found


def _single(x: Operand, y: Operand) -> F64 | None:
    """Return the sums of magnitudes of single products in units; None where float64 has no such operands."""
    left, right = products(x), products(y)
    if left is None or right is None:
        return None
    found: F64 = (np.abs(left) @ np.abs(right).T) * (1 + left.shape[1] * 2.0**-52)
    return found
