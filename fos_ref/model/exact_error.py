"""Errors with no rounding after the codes: what a quantized block costs, as rational numbers.

These judge the choice between candidates: a recipe whose rounded errors pick the other candidate than the
exact ones is not wrong, and here is how to see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from fos_ref.errors import InputError
from fos_ref.model.exact import E2M1, E4M3, from_bits, to_fraction
from fos_ref.model.oracle import Block, Candidate, Tensor
from fos_ref.recipes.axes import Dequantize, ErrorDomain, ErrorMetric, Tie
from fos_ref.recipes.recipe import Recipe


def exact_decode_scale(t: Tensor, r: Recipe) -> Fraction:
    """Return what one unit of code times block scale is worth, unrounded: A/C, or D where N14 uses D."""
    if r.dequantize is Dequantize.DECODE:
        return to_fraction(t.decode)
    return to_fraction(t.amax) / r.range_max


def exact_block_error(
    x: Sequence[int],
    codes: Sequence[int],
    scale_code: int,
    decode: Fraction,
    metric: ErrorMetric = ErrorMetric.MSE,
) -> Fraction:
    """Return the error of a block of codes as a rational number: no rounding after the codes.

    x are float32 bit patterns; the value of a code is q * s * decode. MSE and MAE are sums over the block,
    ABS_MAX its maximum. Raises InputError for a NaN scale byte and for a NaN or infinite x.
    """
    if scale_code & 0x7F == len(E4M3):
        msg = f"scale byte {scale_code:#04x} is NaN: an exact error takes finite scales"
        raise InputError(msg)
    scale = to_fraction(E4M3[scale_code & 0x7F]) * decode
    values = [to_fraction(-E2M1[c & 7] if c & 8 else E2M1[c & 7]) for c in codes]
    return _total([q * scale - to_fraction(from_bits(i)) for q, i in zip(values, x, strict=True)], metric)


def exact_candidate_error(c: Candidate, x: Sequence[int], t: Tensor, r: Recipe) -> Fraction:
    """Return a candidate's error, unrounded, with the decode factor of the error domain: A/C, D or 1/S.

    An element counts as its rounded value, so an unsaturated 8 counts as 8.
    """
    decode = {
        ErrorDomain.INPUT_AMAX: lambda: to_fraction(t.amax) / r.range_max,
        ErrorDomain.INPUT_DECODE: lambda: to_fraction(t.decode),
        ErrorDomain.SCALED: lambda: 1 / to_fraction(t.encode),
    }
    assert r.error_domain is not None
    assert r.error_metric is not None
    scale = to_fraction(c.scale) * decode[r.error_domain]()
    pairs = zip(c.values, x, strict=True)
    return _total([to_fraction(q) * scale - to_fraction(from_bits(i)) for q, i in pairs], r.error_metric)


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
