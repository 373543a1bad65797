"""The candidates of a block: which unrounded scales and which element grids compete (N6, N7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from fos_ref.formats import decode, encode, UE4M3
from fos_ref.formats.arrays import F32, U8
from fos_ref.model.e8m0 import (
    e8m0_ceil,
    e8m0_even,
    e8m0_floor,
    e8m0_nearest_log2,
    e8m0_up,
    e8m0_up_satfinite,
    e8m0_up_wraps,
)
from fos_ref.model.scales import BLOCK_SCALE, ONE
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import Map4Scale, ScaleFloor, ScaleFormat, ScaleNan
from fos_ref.recipes.recipe import Recipe

EXPANSION = np.float32(1.5)  #: 6/4, exact
MIN_NORMAL = np.float32(2.0**-6)  #: of E4M3
MIN_SUBNORMAL = np.float32(2.0**-9)
ROOT_OF_TINY = np.float32(2.0**-63)  #: the root of the smallest normal float32
EIGHTH_CODE = 0x20  #: 0.125
NAN_CODE = 0x7F
_UE4M3_VALUES: F32 = decode(np.arange(128), UE4M3).astype(np.float32)
ROOT_OF_TINY = np.float32(2.0**-63)  #: of 2^-126, the smallest normal float32


def unrounded(b: F32, t: Scales, r: Recipe, m: int | None = None) -> F32:
    """Return the block scale before rounding, for elements up to `m` (None: the recipe's own). N5."""
    return BLOCK_SCALE[r.block_scale](b, t, np.float32(m or r.element_max), r)


# --- N6: the map-to-4 candidate's scale before rounding ----------------------------------------------


def expand_before_rounding(base: F32, b: F32, t: Scales, r: Recipe) -> F32:  # noqa: ARG001
    """Return base * 1.5, one rounding, before the cast to E4M3. N6a."""
    return base * EXPANSION


def expand_after_rounding(base: F32, b: F32, t: Scales, r: Recipe) -> F32:  # noqa: ARG001
    """Return E4M3(base) * 1.5: the six-scale is rounded first, then expanded and rounded again. N6b.

    Source: llm-compressor observers/fouroversix.py.
    """
    return cast_scale(base, r)[1] * EXPANSION


def from_block_amax(base: F32, b: F32, t: Scales, r: Recipe) -> F32:  # noqa: ARG001
    """Return the block scale's own expression with 4 in place of 6. N6c. Source: Quartet II."""
    return unrounded(b, t, r, m=4)


def expand_amax(base: F32, b: F32, t: Scales, r: Recipe) -> F32:  # noqa: ARG001
    """Return the block scale's own expression on RN(1.5 * b). N6d. Source: ModelOpt calib/mse.py."""
    return unrounded(b * EXPANSION, t, r)


MAP4_SCALE: Mapping[Map4Scale, Callable[[F32, F32, Scales, Recipe], F32]] = MappingProxyType(
    {
        Map4Scale.EXPAND_BEFORE_ROUNDING: expand_before_rounding,
        Map4Scale.EXPAND_AFTER_ROUNDING: expand_after_rounding,
        Map4Scale.FROM_BLOCK_AMAX: from_block_amax,
        Map4Scale.EXPAND_AMAX: expand_amax,
    }
)


# --- N7: the cast of the block scale -----------------------------------------------------------------


def e4m3(base: F32) -> tuple[U8, F32]:
    """Return (E4M3 byte, value): nearest even, subnormals kept, overflow saturates to 448. N7a."""
    codes = encode(base, UE4M3).astype(np.uint8)
    return codes, _UE4M3_VALUES[codes]


SCALE_FORMAT: Mapping[ScaleFormat, Callable[[F32], tuple[U8, F32]]] = MappingProxyType(
    {
        ScaleFormat.E4M3: e4m3,
        ScaleFormat.E8M0_UP: e8m0_up,
        ScaleFormat.E8M0_FLOOR: e8m0_floor,
        ScaleFormat.E8M0_EVEN: e8m0_even,
        ScaleFormat.E8M0_CEIL: e8m0_ceil,
        ScaleFormat.E8M0_UP_SATFINITE: e8m0_up_satfinite,
        ScaleFormat.E8M0_UP_WRAPS: e8m0_up_wraps,
        ScaleFormat.E8M0_NEAREST_LOG2: e8m0_nearest_log2,
    }
)


def zero_is_one(base: F32) -> F32:
    """Return base with 0 as 1, then at least 2^-9. Source: ModelOpt, the [2^-9, 448] clamp."""
    return np.maximum(np.where(base == 0, ONE, base).astype(np.float32), MIN_SUBNORMAL)


#: Applied before the cast.
SCALE_FLOOR: Mapping[ScaleFloor, Callable[[F32], F32]] = MappingProxyType(
    {
        ScaleFloor.NONE: lambda base: base,
        ScaleFloor.MIN_NORMAL: lambda base: np.maximum(base, MIN_NORMAL),
        ScaleFloor.ZERO_IS_ONE: zero_is_one,
        ScaleFloor.ZERO_ALONE_IS_ONE: lambda base: np.where(base == 0, ONE, base),
        ScaleFloor.TINY_IS_ONE: lambda base: np.where(base < ROOT_OF_TINY, ONE, base),
        ScaleFloor.ZERO_IS_EIGHTH: lambda base: base,  # replaced after the cast: see cast_scale
    }
)

SCALE_NAN: Mapping[ScaleNan, int] = MappingProxyType({ScaleNan.CODE_7F: 0x7F, ScaleNan.CODE_FF: 0xFF})


def cast_scale(base: F32, r: Recipe) -> tuple[U8, F32]:
    """Return (byte, value) of the block scale: floor, cast, NaN byte. N7."""
    codes, values = SCALE_FORMAT[r.scale_format](SCALE_FLOOR[r.scale_floor](base))
    if r.scale_floor is ScaleFloor.ZERO_IS_EIGHTH:
        codes[codes == 0] = EIGHTH_CODE
        values = _UE4M3_VALUES[codes]
    if r.scale_format is ScaleFormat.E4M3:
        codes[codes == NAN_CODE] = SCALE_NAN[r.scale_nan]
    return codes, values
