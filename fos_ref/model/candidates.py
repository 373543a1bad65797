"""The candidates of a block: which unrounded scales and which element grids compete (N6, N7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from fos_ref.formats import decode, encode, UE4M3, UE5M3
from fos_ref.formats.arrays import F32, U8, U32
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
from fos_ref.random.programs import quartet2_scales, quartet2_simulator_scales, triton_uniform
from fos_ref.recipes.axes import Map4Scale, ScaleFloor, ScaleFormat, ScaleNan, ScaleRounding
from fos_ref.recipes.recipe import Recipe

EXPANSION = np.float32(1.5)  #: 6/4, exact
MIN_NORMAL = np.float32(2.0**-6)  #: of E4M3
MIN_SUBNORMAL = np.float32(2.0**-9)
ROOT_OF_TINY = np.float32(2.0**-63)  #: the root of the smallest normal float32
EIGHTH_CODE = 0x20  #: 0.125
ONE_CODE = 0x38
NAN_CODE = 0x7F
_UE4M3_VALUES: F32 = decode(np.arange(128), UE4M3).astype(np.float32)
_UE5M3_VALUES: F32 = decode(np.arange(256), UE5M3).astype(np.float32)
_E4M3_MAX = np.float32(448)
_E4M3_MAX_CODE, _E4M3_TOP_BINADE = 0x7E, 0x78  #: 448, and 256, the first code of the largest binade


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


def expand_quotient(base: F32, b: F32, t: Scales, r: Recipe) -> F32:  # noqa: ARG001
    """Return ((b/E) * 1.5) / D: three roundings. N6j. Source: Quartet II nvfp4_triton.py::get_alt_scales."""
    return ((b / np.float32(r.element_max)) * EXPANSION) / t.decode


MAP4_SCALE: Mapping[Map4Scale, Callable[[F32, F32, Scales, Recipe], F32]] = MappingProxyType(
    {
        Map4Scale.EXPAND_BEFORE_ROUNDING: expand_before_rounding,
        Map4Scale.EXPAND_AFTER_ROUNDING: expand_after_rounding,
        Map4Scale.FROM_BLOCK_AMAX: from_block_amax,
        Map4Scale.EXPAND_AMAX: expand_amax,
        Map4Scale.EXPAND_QUOTIENT: expand_quotient,
    }
)


# --- N7: the cast of the block scale -----------------------------------------------------------------


def e4m3(base: F32) -> tuple[U8, F32]:
    """Return (E4M3 byte, value): nearest even, subnormals kept, overflow saturates to 448. N7a."""
    codes = encode(base, UE4M3).astype(np.uint8)
    return codes, _UE4M3_VALUES[codes]


def e5m3(base: F32) -> tuple[U8, F32]:
    """Return (E5M3 byte, value): nearest even, subnormals kept, overflow saturates to 114688. N7j.

    Specials: NaN gives FF.
    Source:   auto-round data_type/nvfp.py::float_to_e5m3_frexp.
    """
    codes = encode(base, UE5M3).astype(np.uint8)
    return codes, _UE5M3_VALUES[codes]


def e4m3_half_up(base: F32) -> tuple[U8, F32]:
    """Return (E4M3 byte, value) as ggml casts: ties upward, with two exceptions. N7k.

    Rounding: from 2^-6 on the fraction to 3 bits, ties upward; what reaches 256 is 448. Below 2^-6
              trunc(RN(base * 512 + 0.5)), at most 7: from 7.5 * 2^-9 on it stays at 7 * 2^-9.
    Specials: NaN, and what is not above 0, gives 0.
    Source:   ggml-impl.h::ggml_fp32_to_ue4m3.
    """
    v = np.where(base > 0, np.minimum(base, _E4M3_MAX), np.float32(0)).astype(np.float32)
    bits = v.view(np.uint32).astype(np.int64)
    normal = (bits >> 20) - ((127 - UE4M3.bias) << UE4M3.fraction_bits) + (bits >> 19 & 1)
    normal = np.where(normal >= _E4M3_TOP_BINADE, _E4M3_MAX_CODE, normal)
    subnormal = np.minimum(np.trunc(v * np.float32(512) + np.float32(0.5)), np.float32(7))
    codes = np.where(v >= MIN_NORMAL, normal, subnormal).astype(np.uint8)
    return codes, _UE4M3_VALUES[codes]


#: Of a base, and for those of the block amax of the exponent that is left to the elements.
SCALE_FORMAT: Mapping[ScaleFormat, Callable[..., tuple[U8, F32]]] = MappingProxyType(
    {
        ScaleFormat.E4M3: e4m3,
        ScaleFormat.E5M3: e5m3,
        ScaleFormat.E4M3_HALF_UP: e4m3_half_up,
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
        ScaleFloor.MIN_SUBNORMAL: lambda base: np.maximum(base, MIN_SUBNORMAL),
        ScaleFloor.ZERO_IS_EIGHTH: lambda base: base,  # replaced after the cast: see cast_scale
        ScaleFloor.ZERO_CODE_IS_ONE: lambda base: base,
    }
)

SCALE_NAN: Mapping[ScaleNan, int] = MappingProxyType({ScaleNan.CODE_7F: 0x7F, ScaleNan.CODE_FF: 0xFF})


#: (bases from 0 to 448 without a NaN, random numbers) -> E4M3 bytes
SCALE_ROUNDING: Mapping[ScaleRounding, Callable[[F32, U32], U8]] = MappingProxyType(
    {
        ScaleRounding.QUARTET2_SCALES: quartet2_scales,
        ScaleRounding.QUARTET2_SIMULATOR: lambda base, numbers: quartet2_simulator_scales(
            base, triton_uniform(np.ascontiguousarray(numbers))
        ),
    }
)


def cast_random(base: F32, numbers: U32, r: Recipe) -> tuple[U8, F32]:
    """Return (E4M3 byte, value), up or down as the random number of each block says. N7l, N7m.

    Specials: bases above 448 saturate; NaN gives 7F.
    """
    nan = np.isnan(base)
    within = np.where(nan, np.float32(0), np.minimum(base, _E4M3_MAX))
    codes = SCALE_ROUNDING[r.scale_rounding](within, numbers)
    codes[nan] = NAN_CODE
    return codes, _UE4M3_VALUES[codes]


def cast_scale(
    base: F32,
    r: Recipe,
    numbers: U32 | None = None,
    *,
    nearest: bool = False,
) -> tuple[U8, F32]:
    """Return (byte, value) of the block scale: floor, cast, NaN byte. N7.

    numbers: the random number of each block, where the recipe's scales are rounded stochastically
    nearest: leave that aside: the scale is corrected before it is rounded so
    """
    left = (r.element.exponent,) if r.scale_format.of_amax else ()
    if nearest or r.scale_rounding is ScaleRounding.NEAREST:
        codes, values = SCALE_FORMAT[r.scale_format](SCALE_FLOOR[r.scale_floor](base), *left)
    else:
        assert numbers is not None
        codes, values = cast_random(SCALE_FLOOR[r.scale_floor](base), numbers, r)
    if r.scale_floor in (ScaleFloor.ZERO_IS_EIGHTH, ScaleFloor.ZERO_CODE_IS_ONE):
        codes[codes == 0] = EIGHTH_CODE if r.scale_floor is ScaleFloor.ZERO_IS_EIGHTH else ONE_CODE
        values = _UE4M3_VALUES[codes]
    if r.scale_format is ScaleFormat.E4M3:
        codes[codes == NAN_CODE] = SCALE_NAN[r.scale_nan]
    return codes, values
