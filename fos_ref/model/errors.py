"""The error steps: what each candidate costs, and which one wins (N10-N13)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from fos_ref.formats.arrays import Bool, F32
from fos_ref.model.power import power
from fos_ref.model.reduce import FUSED_REDUCE, maximum, REDUCE
from fos_ref.model.rounding import fma, to_dtype
from fos_ref.model.scales import ONE
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import ErrorDomain, ErrorMetric, Tie
from fos_ref.recipes.recipe import Recipe

F32_DTYPE = np.dtype(np.float32)

# --- N10: the difference of one element --------------------------------------------------------------
# q (T, B, n) values of the codes, s (T, B, 1) block scale, x (T, B, n), t with a trailing axis, unit the
# worth of one step (6/7 for INT4 beside E2M1, else 1: a product with 1 is exact).


def input_amax(q: F32, s: F32, x: F32, t: Scales, unit: np.float32) -> F32:
    """Return (((q*s) * A) * unit) / C - x: product, quotient and difference rounded. N10a.

    Source: fouroversix reference.py::select_fouroversix; TransformerEngine's default error.
    """
    return (((q * s) * t.amax) * unit) / t.range_max - x


def input_decode(q: F32, s: F32, x: F32, t: Scales, unit: np.float32) -> F32:
    """Return ((q*s) * D) * unit - x. N10b. Source: FlashInfer's per-tensor error."""
    return ((q * s) * t.decode) * unit - x


def scaled(q: F32, s: F32, x: F32, t: Scales, unit: np.float32) -> F32:
    """Return (q*s) * unit - x*S. N10c.

    Source: TransformerEngine's and FlashInfer's fast error; their fp16 product q*s is exact.
    """
    return (q * s) * unit - x * t.encode


def input_quotient(q: F32, s: F32, x: F32, t: Scales, unit: np.float32) -> F32:
    """Return (q * (s/S)) * unit - x. N10d. Source: llm-compressor's fake quantizer."""
    return (q * (s / t.encode)) * unit - x


def input_product(q: F32, s: F32, x: F32, t: Scales, unit: np.float32) -> F32:
    """Return (q * (s*D)) * unit - x. N10e. Source: Quartet II nvfp4_triton.py."""
    return (q * (s * t.decode)) * unit - x


def fused_residual(q: F32, s: F32, x: F32, t: Scales, unit: np.float32) -> F32:
    """Return fma(q * unit, -(s*D), x), one rounding after that of s*D. N10f.

    Source: Quartet II round_four_six.cu.
    """
    return fma(q * unit, -(s * t.decode), x)


def decoded(q: F32, s: F32, x: F32, t: Scales, unit: np.float32) -> F32:
    """Return (q*s) * unit - x/D. N10h. Source: NVFP4-RaZeR quantizer.py::quant_nvfp4_4over6."""
    return (q * s) * unit - x / t.decode


def straight_through(q: F32, s: F32, x: F32, t: Scales, unit: np.float32) -> F32:
    """Return (x + ((q*p) * unit - x)) - x with p = s*D, 1 where that is 0: each operation rounded. N10i.

    Source: FP-Quant quant_ops.py::quantize_dequantize_fp4, through which gradients pass.
    """
    p = s * t.decode
    p = np.where(p == 0, ONE, p)
    return (x + ((q * p) * unit - x)) - x


def reciprocals(q: F32, s: F32, x: F32, t: Scales, unit: np.float32) -> F32:
    """Return (q * R(R(s*D))) * unit - x, R(v) = 1/v and R(0) = 0: each operation rounded. N10j.

    Source: auto-round data_type/nvfp.py::ref_nvfp4_quant_inplace.
    """
    return (q * _reciprocal(_reciprocal(s * t.decode))) * unit - x


def _reciprocal(v: F32) -> F32:
    return np.where(v == 0, np.float32(0), ONE / v).astype(np.float32)


#: (q, s, x, tensor scales, unit) -> difference
DifferenceFn = Callable[[F32, F32, F32, Scales, np.float32], F32]
ERROR_DOMAIN: Mapping[ErrorDomain, DifferenceFn] = MappingProxyType(
    {
        ErrorDomain.INPUT_AMAX: input_amax,
        ErrorDomain.INPUT_DECODE: input_decode,
        ErrorDomain.SCALED: scaled,
        ErrorDomain.INPUT_QUOTIENT: input_quotient,
        ErrorDomain.INPUT_PRODUCT: input_product,
        ErrorDomain.FUSED_RESIDUAL: fused_residual,
        ErrorDomain.DECODED: decoded,
        ErrorDomain.STRAIGHT_THROUGH: straight_through,
        ErrorDomain.RECIPROCALS: reciprocals,
    }
)


# --- N11: the term of one element --------------------------------------------------------------------


def square(d: F32) -> F32:
    """Return d * d, rounded. N11."""
    return d * d


ERROR_TERM: Mapping[ErrorMetric, Callable[[F32], F32]] = MappingProxyType(
    {
        ErrorMetric.MSE: square,
        ErrorMetric.MAE: np.abs,
        ErrorMetric.ABS_MAX: np.abs,
        ErrorMetric.POWER: lambda d: power(np.abs(d), F32_DTYPE),
    }
)


def block_error(difference: F32, r: Recipe, dtype: np.dtype[Any] = F32_DTYPE) -> F32:
    """Reduce the differences of each block (..., n) to its error (...), in the recipe's order. N11, N12.

    Rounding: of a quantizer in the input's `dtype` each term and the sum once more, to that dtype.
    """
    assert r.error_metric is not None
    if r.error_domain is ErrorDomain.UNSCALED:
        return _error_in(dtype, difference, r)
    if r.reduction in FUSED_REDUCE:
        return FUSED_REDUCE[r.reduction](difference)
    terms = ERROR_TERM[r.error_metric](difference)
    return maximum(terms) if r.reduction is None else REDUCE[r.reduction](terms)


def _error_in(dtype: np.dtype[Any], difference: F32, r: Recipe) -> F32:
    if r.error_metric is ErrorMetric.POWER:
        terms = power(np.abs(difference), dtype)
    elif r.reduction in FUSED_REDUCE:
        return to_dtype(FUSED_REDUCE[r.reduction](difference), dtype)
    else:
        assert r.error_metric is not None
        terms = to_dtype(ERROR_TERM[r.error_metric](difference), dtype)
    return maximum(terms) if r.reduction is None else to_dtype(REDUCE[r.reduction](terms), dtype)


# --- N13: the choice ---------------------------------------------------------------------------------

PICK_4: Mapping[Tie, Callable[[F32, F32], Bool]] = MappingProxyType(
    {Tie.SIX: lambda err4, err6: err4 < err6, Tie.FOUR: lambda err4, err6: err4 <= err6}
)
