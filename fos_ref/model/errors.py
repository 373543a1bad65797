"""The error steps: what each candidate costs, and which one wins (N10-N13)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from fos_ref.formats.arrays import Bool, F32
from fos_ref.model.reduce import maximum, REDUCE
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import ErrorDomain, ErrorMetric, Tie
from fos_ref.recipes.recipe import Recipe

# --- N10: the difference of one element --------------------------------------------------------------


def input_amax(product: F32, x: F32, t: Scales) -> F32:
    """Return ((q*s) * A) / C - x: product, quotient and difference rounded. N10a.

    Source: fouroversix reference.py::select_fouroversix; TransformerEngine's default error.
    """
    return (product * t.amax) / t.range_max - x


def input_decode(product: F32, x: F32, t: Scales) -> F32:
    """Return (q*s) * D - x: product and difference rounded. N10b. Source: FlashInfer's per-tensor error."""
    return product * t.decode - x


def scaled(product: F32, x: F32, t: Scales) -> F32:
    """Return q*s - x*S: product and difference rounded. N10c.

    Source: TransformerEngine's and FlashInfer's fast error; their fp16 product q*s is exact.
    """
    return product - x * t.encode


#: (q*s (T, B, n), x (T, B, n), the tensor scales with a trailing axis) -> (T, B, n)
DifferenceFn = Callable[[F32, F32, Scales], F32]
ERROR_DOMAIN: Mapping[ErrorDomain, DifferenceFn] = MappingProxyType(
    {
        ErrorDomain.INPUT_AMAX: input_amax,
        ErrorDomain.INPUT_DECODE: input_decode,
        ErrorDomain.SCALED: scaled,
    }
)


# --- N11: the term of one element --------------------------------------------------------------------


def square(d: F32) -> F32:
    """Return d * d, rounded. N11."""
    return d * d


ERROR_TERM: Mapping[ErrorMetric, Callable[[F32], F32]] = MappingProxyType(
    {ErrorMetric.MSE: square, ErrorMetric.MAE: np.abs, ErrorMetric.ABS_MAX: np.abs}
)


def block_error(difference: F32, r: Recipe) -> F32:
    """Reduce the differences of each block (..., n) to its error (...), in the recipe's order. N11, N12."""
    assert r.error_metric is not None
    terms = ERROR_TERM[r.error_metric](difference)
    return maximum(terms) if r.reduction is None else REDUCE[r.reduction](terms)


# --- N13: the choice ---------------------------------------------------------------------------------

PICK_4: Mapping[Tie, Callable[[F32, F32], Bool]] = MappingProxyType(
    {Tie.SIX: lambda err4, err6: err4 < err6, Tie.FOUR: lambda err4, err6: err4 <= err6}
)
