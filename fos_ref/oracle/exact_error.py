"""Errors with no rounding after the codes: what a quantized block costs, as rational numbers.

These judge the choice between candidates: a recipe whose rounded errors pick the other candidate than the
exact ones is not wrong, and here is how to see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import inf, isnan
from typing import assert_never

from fos_ref.errors import InputError
from fos_ref.oracle.exact import from_bits, to_fraction
from fos_ref.oracle.quantize import Block, Candidate, grid_of
from fos_ref.oracle.scales import scale_value, Tensor
from fos_ref.recipes.axes import Dequantize, ErrorDomain, ErrorMetric, Tie, ZeroScale
from fos_ref.recipes.recipe import Recipe

AMAX_FORMS = (Dequantize.AMAX_DIVIDE, Dequantize.AMAX_RECIPROCAL, Dequantize.AMAX_QUOTIENT)
ENCODE_FORMS = (Dequantize.DECODE_QUOTIENT, Dequantize.ENCODE_DIVIDE)


def exact_decode_scale(t: Tensor, r: Recipe) -> Fraction:
    """Return what one unit of code times block scale is worth: N14's own A/C, D or 1/S, unrounded.

    Raises InputError where that is not finite.
    """
    if r.dequantize in AMAX_FORMS:
        return to_fraction(t.amax) / Fraction(r.range_max)
    if r.dequantize in ENCODE_FORMS:
        if t.encode == 0:
            return to_fraction(inf)
        return 1 / to_fraction(t.encode)
    return to_fraction(t.decode)


def exact_block_error(
    x: Sequence[int],
    codes: Sequence[int],
    scale_code: int,
    decode: Fraction,
    r: Recipe,
    *,
    metric: ErrorMetric = ErrorMetric.MSE,
) -> Fraction:
    """Return the error of a block of codes as a rational number: no rounding after the codes.

    x are float32 bit patterns; the value of a code is q * s * decode, and INT4 beside E2M1 counts in units
    of float32(6/7). MSE and MAE are sums over the block, ABS_MAX its maximum. Raises InputError for a scale
    byte that is NaN or infinite and for a NaN or infinite x.
    """
    grid, stored = grid_of(scale_code, r), scale_value(scale_code, r.scale_format)
    if isinstance(stored, float):
        kind = "NaN" if isnan(stored) else "infinite"
        msg = f"scale byte {scale_code:#04x} is {kind}: an exact error takes finite scales"
        raise InputError(msg)
    scale = to_fraction(stored) * to_fraction(grid.unit) * decode
    values = [to_fraction(grid.value(c)) for c in codes]
    return _total([q * scale - to_fraction(from_bits(i)) for q, i in zip(values, x, strict=True)], metric)


def exact_candidate_error(c: Candidate, x: Sequence[int], t: Tensor, r: Recipe) -> Fraction:
    """Return a candidate's error, unrounded, with the decode factor of the error domain: A/C, D or 1/S.

    An element counts as its rounded value, so an unsaturated 8 counts as 8. Raises InputError for the domain
    TRIAL, which does not measure the candidate's own codes.
    """
    assert r.error_metric is not None
    scale = to_fraction(c.scale) * _decode_factor(t, r)
    if scale == 0 and r.zero_scale is ZeroScale.PRODUCT_ONE:
        scale = Fraction(1)
    scale *= to_fraction(c.grid.unit)
    pairs = zip(c.values, x, strict=True)
    return _total([to_fraction(q) * scale - to_fraction(from_bits(i)) for q, i in pairs], r.error_metric)


def _decode_factor(t: Tensor, r: Recipe) -> Fraction:
    match r.error_domain:
        case ErrorDomain.INPUT_AMAX:
            return to_fraction(t.amax) / Fraction(r.range_max)
        case (
            ErrorDomain.INPUT_DECODE
            | ErrorDomain.INPUT_PRODUCT
            | ErrorDomain.FUSED_RESIDUAL
            | ErrorDomain.DECODED
            | ErrorDomain.STRAIGHT_THROUGH
            | ErrorDomain.RECIPROCALS
        ):
            return to_fraction(t.decode)
        case ErrorDomain.SCALED | ErrorDomain.INPUT_QUOTIENT:
            return 1 / to_fraction(t.encode)
        case ErrorDomain.TRIAL | ErrorDomain.UNSCALED | None:
            domain = r.error_domain.value if r.error_domain else None
            msg = f"recipe {r.name!r} has error_domain {domain!r}: its own codes have no error to make exact"
            raise InputError(msg)
        case _:
            assert_never(r.error_domain)


def exactly_picks_4(block: Block, x: Sequence[int], t: Tensor, r: Recipe) -> bool:
    """Return whether map-to-4 would be kept if the error were exact: no rounding after the codes."""
    assert block.map4 is not None
    assert block.map6 is not None
    err4, err6 = (exact_candidate_error(c, x, t, r) for c in (block.map4, block.map6))
    return err4 <= err6 if r.tie is Tie.FOUR else err4 < err6


def _total(differences: Sequence[Fraction], metric: ErrorMetric) -> Fraction:
    if metric is ErrorMetric.ABS_MAX:
        return max(abs(d) for d in differences)
    return sum((d * d if metric is ErrorMetric.MSE else abs(d) for d in differences), start=Fraction(0))
