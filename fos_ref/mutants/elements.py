"""Mutants of the elements: scaling, the cast to E2M1, zeros, what is flushed or rounded first (N8, N9)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fos_ref.formats import E2M1
from fos_ref.formats.arrays import F32, U8
from fos_ref.model.elements import (
    E2M1_VALUES,
    ELEMENT_CAST,
    saturate,
    ties_away,
    unsaturated,
    ZERO_SIGN,
)
from fos_ref.model.quantize import quantize_matrix
from fos_ref.model.rounding import to_dtype
from fos_ref.model.scaling import divide_by_product, ELEMENT_SCALING, reciprocal_of_product, ZERO_SCALE
from fos_ref.model.trace import Scales
from fos_ref.mutants.amax import BF16, flushed
from fos_ref.mutants.mutant import Mutant
from fos_ref.mutants.plant import entry, step, Swap
from fos_ref.recipes.axes import ElementCast, ElementScaling, ZeroScale, ZeroSign
from fos_ref.recipes.recipe import Recipe

FP16 = np.dtype(np.float16)
#: E2M1 midpoint -> (its even neighbour's code, the other neighbour's code).
_MIDPOINTS = {0.25: (0, 1), 0.75: (2, 1), 1.25: (2, 3), 1.75: (4, 3), 2.5: (4, 5), 3.5: (6, 5), 5.0: (6, 7)}
_SIGN = np.uint8(8)


def not_even(*midpoints: float) -> Callable[[F32], tuple[U8, F32]]:
    """Return the saturating cast with these midpoints, and only these, sent to the odd neighbour."""

    def cast(y: F32) -> tuple[U8, F32]:
        codes, _ = saturate(y)
        for midpoint in midpoints:
            hit = np.abs(y) == np.float32(midpoint)
            codes[hit] = (codes[hit] & _SIGN) | np.uint8(_MIDPOINTS[midpoint][1])
        return codes, E2M1_VALUES[codes]

    return cast


def _cast(new: Callable[[F32], tuple[U8, F32]]) -> tuple[Swap, ...]:
    """Return the swap of E2M1's cast; other formats are cast as they should be."""
    saturating = {ElementCast.SATURATE: lambda y, fmt: new(y) if fmt is E2M1 else saturate(y, fmt)}
    return (entry(ELEMENT_CAST, saturating),)


def _wrapped(y: F32) -> tuple[U8, F32]:
    codes, values = unsaturated(y)
    return codes & np.uint8(15), values


def _through(dtype: np.dtype[np.generic]) -> tuple[Swap, ...]:
    return _cast(lambda y: saturate(to_dtype(y, dtype)))


def _scaled_by(old: ElementScaling, new: Callable[..., tuple[F32, F32]]) -> tuple[Swap, ...]:
    return (entry(ELEMENT_SCALING, {old: new}),)


def encode_over_scale(x: F32, s: F32, t: Scales, _: Recipe) -> tuple[F32, F32]:
    """Return m = S/s and x*m."""
    m = t.encode / s
    return m, x * m[..., None]


def _zero_sign(old: ZeroSign, new: ZeroSign) -> tuple[Swap, ...]:
    return (entry(ZERO_SIGN, {old: ZERO_SIGN[new]}),)


def _zero_scale(old: ZeroScale, new: ZeroScale) -> tuple[Swap, ...]:
    return (entry(ZERO_SCALE, {old: ZERO_SCALE[new]}),)


def _input_as(change: Callable[[F32], F32]) -> tuple[Swap, ...]:
    return (step(quantize_matrix, lambda old: lambda x, *more: old(change(x), *more)),)


def _one_midpoint(midpoint: float) -> Mutant:
    even, odd = (E2M1_VALUES[code] for code in _MIDPOINTS[midpoint])
    return Mutant(
        name=f"midpoint-{midpoint}-to-{odd:g}",
        flag="E2m1TiesAway" if odd > even else "E2m1TiesZero",
        comment=f"The E2M1 midpoint {midpoint} goes to {odd:g}, not to {even:g}; the other six are right. "
        "Seen for exact midpoints only. Whoever has one wrong comparison in a ladder of thresholds.",
        swaps=_cast(not_even(midpoint)),
    )


MUTANTS = (
    Mutant(
        name="elements-divided",
        flag="ReciprocalForDivision",
        comment="x / (s*D) where the recipe multiplies by RN(1/(s*D)): the same class the other way round. "
        "Elements beside a midpoint change. Whoever writes the formula of the paper.",
        swaps=_scaled_by(ElementScaling.RECIPROCAL_OF_PRODUCT, divide_by_product),
    ),
    Mutant(
        name="elements-by-reciprocal",
        flag="ReciprocalForDivision",
        recipe="modelopt-nvfp4",
        comment="x * RN(1/(s*D)) where the recipe divides. Elements beside a midpoint change. Whoever takes "
        "one division per block for sixteen, or compiles with -prec-div=false.",
        swaps=_scaled_by(ElementScaling.DIVIDE_BY_PRODUCT, reciprocal_of_product),
    ),
    Mutant(
        name="elements-by-encode-over-scale",
        flag="ScaleAssociation",
        comment="x * (S/s) where the recipe has x * (1/(s*D)). Elements beside a midpoint change. Whoever "
        "keeps S at hand and sees no need for D.",
        swaps=_scaled_by(ElementScaling.RECIPROCAL_OF_PRODUCT, encode_over_scale),
    ),
    Mutant(
        name="e2m1-ties-away",
        flag="E2m1TiesAway",
        comment="Every E2M1 midpoint goes to the larger magnitude, not to the even code. Whoever compares "
        "with thresholds by >=, or rounds half up.",
        swaps=_cast(ties_away),
    ),
    Mutant(
        name="e2m1-ties-to-zero",
        flag="E2m1TiesZero",
        comment="Every E2M1 midpoint goes to the smaller magnitude, not to the even code. Whoever compares "
        "with thresholds by >.",
        swaps=_cast(not_even(0.75, 1.75, 3.5)),
    ),
    *(_one_midpoint(m) for m in _MIDPOINTS),
    Mutant(
        name="e2m1-unsaturated",
        flag="E2m1NoSaturation",
        comment="A scaled magnitude of 7 and above becomes 8 or more, and its code wraps: 8 reads as -0. "
        "Seen where a small block scale was rounded down. Whoever rounds by arithmetic and has no clamp.",
        swaps=_cast(_wrapped),
    ),
    Mutant(
        name="zero-scale-divides",
        flag="ZeroScalePolicy",
        comment="A block whose scale rounded to zero gets the largest codes (its values times FLT_MAX), not "
        "zeros. Whoever clamps the reciprocal and has no case for zero, as TransformerEngine.",
        swaps=_zero_scale(ZeroScale.ZERO_CODES, ZeroScale.NO_SPECIAL_CASE),
    ),
    Mutant(
        name="zero-scale-zeroes",
        flag="ZeroScalePolicy",
        recipe="te-mse-256",
        comment="A block whose scale rounded to zero gets zeros, not the largest codes. Whoever guards a "
        "division that the recipe does not guard.",
        swaps=_zero_scale(ZeroScale.NO_SPECIAL_CASE, ZeroScale.ZERO_CODES),
    ),
    Mutant(
        name="negative-zero-lost",
        flag="NegativeZero",
        comment="A code that is zero never carries a sign: 8 becomes 0. No value changes, every byte with a "
        "small negative number does. Whoever looks codes up by value.",
        swaps=_zero_sign(ZeroSign.SIGN_BIT, ZeroSign.NEVER),
    ),
    Mutant(
        name="negative-zero-input-lost",
        flag="NegativeZero",
        comment="An input of -0.0 gives code 0, not 8; small negative numbers still give 8. Whoever takes "
        "the sign by comparing with zero.",
        swaps=_zero_sign(ZeroSign.SIGN_BIT, ZeroSign.NEGATIVE_VALUES),
    ),
    Mutant(
        name="negative-zero-added",
        flag="NegativeZero",
        recipe="te-mse-256",
        comment="An input of -0.0 gives code 8 where the recipe gives 0. Whoever uses the hardware "
        "conversion where the reference compares with zero.",
        swaps=_zero_sign(ZeroSign.NEGATIVE_VALUES, ZeroSign.SIGN_BIT),
    ),
    Mutant(
        name="scaled-in-bfloat16",
        flag="DoubleRounding",
        comment="The scaled value is rounded to bfloat16 before E2M1. Values within 0.2 % of a midpoint may "
        "land on it and go the other way. Whoever keeps the intermediate in the model's dtype.",
        swaps=_through(BF16),
    ),
    Mutant(
        name="scaled-in-float16",
        flag="DoubleRounding",
        comment="The scaled value is rounded to float16 before E2M1. Values within 0.03 % of a midpoint may "
        "land on it. Whoever feeds a converter that takes half precision.",
        swaps=_through(FP16),
    ),
    Mutant(
        name="input-in-bfloat16",
        flag="Unexplained",
        comment="A float32 input is cast to bfloat16 first; the amax is not. Codes beside a midpoint and "
        "close choices change. Whoever trusts a library to accept float32.",
        swaps=_input_as(lambda x: to_dtype(x, BF16)),
    ),
    Mutant(
        name="input-flushed",
        flag="FlushToZero",
        comment="Subnormal inputs count as zero. Seen for tensors with an amax below about 1e-36. Whoever "
        "compiles with -ftz=true, or runs after torch.set_flush_denormal.",
        swaps=_input_as(flushed),
    ),
)
