"""Mutants of the block scale: its expression, the map-to-4 scale, the cast to E4M3 (N5-N7)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fos_ref.formats import decode, UE4M3
from fos_ref.formats.arrays import Bool, F32, U8
from fos_ref.model.candidates import (
    e4m3,
    expand_after_rounding,
    from_block_amax,
    MAP4_SCALE,
    NAN_CODE,
    SCALE_FLOOR,
    SCALE_FORMAT,
)
from fos_ref.model.scales import (
    BLOCK_SCALE,
    divide_by_decode,
    divide_then_multiply,
    folded_reciprocal,
    reciprocal_then_multiply,
)
from fos_ref.model.trace import Scales
from fos_ref.mutants.mutant import Mutant
from fos_ref.mutants.plant import entry, Swap
from fos_ref.recipes.axes import BlockScale, Map4Scale, ScaleFloor, ScaleFormat
from fos_ref.recipes.recipe import Recipe

_VALUES: F32 = decode(np.arange(NAN_CODE), UE4M3).astype(np.float32)
_LARGEST = np.uint8(NAN_CODE - 1)
_FIRST_NORMAL = 8  #: the code of 2^-6
_MIN_NORMAL = np.float32(2.0**-6)
_OVERFLOW = np.float32(464)  #: from here on a cast without saturation gives NaN

#: (base, code, value of the code, value of the next code) -> where the code has to be one higher (or lower)
Off = Callable[[F32, U8, F32], Bool]


def product_first(b: F32, t: Scales, m: np.float32, _: Recipe) -> F32:
    """Return (b * S) / m."""
    return (b * t.encode) / m


def _instead(base_scale: BlockScale, other: Callable[..., F32]) -> tuple[Swap, ...]:
    return (entry(BLOCK_SCALE, {base_scale: other}),)


def _cast(off: Off, by: int) -> tuple[Swap, ...]:
    """Return the swap under which the E4M3 code is `by` higher where `off` says so; NaN stays NaN."""

    def cast(base: F32) -> tuple[U8, F32]:
        codes, values = e4m3(base)
        moved = np.clip(codes.astype(np.int16) + by, 0, _LARGEST).astype(np.uint8)
        codes = np.where(off(base, codes, values) & (codes != NAN_CODE), moved, codes)
        return codes, np.where(codes == NAN_CODE, np.float32(np.nan), _VALUES[np.minimum(codes, _LARGEST)])

    return (entry(SCALE_FORMAT, {ScaleFormat.E4M3: cast}),)


def _tie_went_down(base: F32, codes: U8, values: F32) -> Bool:
    """Return where base lay halfway between its code's value and the next one's."""
    above = _VALUES[np.minimum(codes + np.uint8(1), _LARGEST)]
    return np.asarray((codes < _LARGEST) & (base == (values + above) / np.float32(2)))


def _overflows(base: F32) -> tuple[U8, F32]:
    """Return E4M3 with NaN, not 448, for what lies above 464."""
    codes, values = e4m3(base)
    nan = base > _OVERFLOW
    return np.where(nan, np.uint8(NAN_CODE), codes), np.where(nan, np.float32(np.nan), values)


def _flush(base: F32) -> tuple[U8, F32]:
    """Return E4M3 with zero in place of the subnormals."""
    codes, values = e4m3(base)
    low = codes < _FIRST_NORMAL
    return np.where(low, np.uint8(0), codes), np.where(low, np.float32(0), values)


MUTANTS = (
    Mutant(
        name="base-folded-reciprocal",
        flag="ScaleAssociation",
        comment="b * (S * RN(1/6)) where the recipe has (b/6) * S. The unrounded scale moves by a step or "
        "two, so bytes beside a midpoint of E4M3 change. Whoever starts from TransformerEngine's NVFP4.",
        swaps=_instead(BlockScale.DIVIDE_THEN_MULTIPLY, folded_reciprocal),
    ),
    Mutant(
        name="base-unfolded",
        flag="ScaleAssociation",
        recipe="te-nvfp4",
        comment="(b/6) * S where the recipe has b * (S * RN(1/6)). Bytes beside a midpoint of E4M3 change. "
        "Whoever writes plain NVFP4 as its paper does.",
        swaps=_instead(BlockScale.FOLDED_RECIPROCAL, divide_then_multiply),
    ),
    Mutant(
        name="base-product-first",
        flag="ScaleAssociation",
        comment="(b * S) / 6 where the recipe has (b/6) * S. Bytes beside a midpoint of E4M3 change. Whoever "
        "reorders a product and a quotient because they are equal on paper.",
        swaps=_instead(BlockScale.DIVIDE_THEN_MULTIPLY, product_first),
    ),
    Mutant(
        name="base-by-decode-scale",
        flag="ScaleAssociation",
        comment="b / (6 * D) where the recipe has (b/6) * S. Bytes beside a midpoint of E4M3 change. Whoever "
        "stores only the decode scale, as ModelOpt does.",
        swaps=_instead(BlockScale.DIVIDE_THEN_MULTIPLY, divide_by_decode),
    ),
    Mutant(
        name="base-times-sixth",
        flag="ReciprocalForDivision",
        comment="(b * RN(1/6)) * S where the recipe divides by 6. Bytes beside a midpoint of E4M3 change. "
        "Whoever compiles with -prec-div=false or saves a division by hand, as FlashInfer's default path.",
        swaps=_instead(BlockScale.DIVIDE_THEN_MULTIPLY, reciprocal_then_multiply),
    ),
    Mutant(
        name="expand-after-rounding",
        flag="ExpandAfterRounding",
        comment="The map-to-4 scale is 1.5 times the rounded map-to-6 scale. It is rounded twice, so it is "
        "another byte in many blocks. Whoever keeps only the stored scale, as llm-compressor.",
        swaps=(entry(MAP4_SCALE, {Map4Scale.EXPAND_BEFORE_ROUNDING: expand_after_rounding}),),
    ),
    Mutant(
        name="map4-by-own-division",
        flag="ScaleAssociation",
        comment="The map-to-4 scale is (b/4) * S where the recipe has 1.5 * ((b/6) * S). Bytes beside a "
        "midpoint of E4M3 change. Whoever calls the scale function once for 6 and once for 4.",
        swaps=(entry(MAP4_SCALE, {Map4Scale.EXPAND_BEFORE_ROUNDING: from_block_amax}),),
    ),
    Mutant(
        name="scale-rounded-up",
        flag="ScaleCeil",
        comment="The block scale is rounded up, so nothing ever saturates. Half of all bytes are one higher. "
        "Whoever comes from MX formats, whose scales are rounded so.",
        swaps=_cast(lambda base, _, values: values < base, 1),
    ),
    Mutant(
        name="scale-truncated",
        flag="ScaleFloor",
        comment="The block scale is rounded down. Half of all bytes are one lower and elements saturate. "
        "Whoever casts by shifting bits away.",
        swaps=_cast(lambda base, _, values: values > base, -1),
    ),
    Mutant(
        name="scale-ties-away",
        flag="ScaleCeil",
        comment="A block scale halfway between two E4M3 values goes to the larger one, not to the even one. "
        "Seen for exact ties only. Whoever adds half a step and truncates.",
        swaps=_cast(_tie_went_down, 1),
    ),
    Mutant(
        name="scale-subnormals-flushed",
        flag="ScaleSubnormalFlush",
        comment="A block scale below 2^-6 becomes zero, and its block with it. Seen below 1/16384 of the "
        "tensor amax. Whoever emulates E4M3 without subnormals.",
        swaps=(entry(SCALE_FORMAT, {ScaleFormat.E4M3: _flush}),),
    ),
    Mutant(
        name="scale-at-least-min-normal",
        flag="ScaleSubnormalFlush",
        comment="A block scale below 2^-6 becomes 2^-6, a zero one too. Small blocks lose their range. "
        "Whoever clamps to the format's epsilon, as torchao.",
        swaps=(entry(SCALE_FLOOR, {ScaleFloor.NONE: lambda base: np.maximum(base, _MIN_NORMAL)}),),
    ),
    Mutant(
        name="scale-overflows-to-nan",
        flag="ScaleNaN",
        recipe="te-mse-448",
        comment="A block scale above 464 becomes NaN (0x7F), not 448. Seen where map-to-4 expands a large "
        "scale under the bound 448. Whoever casts by a library that does not saturate, as ml_dtypes.",
        swaps=(entry(SCALE_FORMAT, {ScaleFormat.E4M3: _overflows}),),
    ),
)
