"""The element steps: from a scaled value to a code, and what the code counts as (N9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType

import numpy as np

from fos_ref.formats import BFLOAT16, decode, E2M1, encode, FormatInfo, INT4
from fos_ref.formats.arrays import Bool, F32, U8
from fos_ref.model.scales import ONE
from fos_ref.recipes.axes import ElementCast, ElementFormat, ElementNan, ZeroSign
from fos_ref.recipes.elements import Codes, element
from fos_ref.recipes.recipe import Recipe


@cache
def code_values(fmt: FormatInfo) -> F32:
    """Return the value of every code of a format as float32, read-only: exact."""
    values: F32 = decode(np.arange(1 << fmt.bits), fmt).astype(np.float32)
    values.flags.writeable = False
    return values


@cache
def midpoints(fmt: FormatInfo) -> F32:
    """Return the midpoints between the magnitudes of a format as float32, read-only: exact."""
    values = code_values(fmt)[: fmt.max_code + 1]
    middle: F32 = (values[1:] + values[:-1]) * np.float32(0.5)
    middle.flags.writeable = False
    return middle


E2M1_VALUES: F32 = code_values(E2M1)
INT4_VALUES: F32 = code_values(INT4)

#: (scaled values, format) -> (codes, values); NaN and the sign of a zero are the caller's.
CastFn = Callable[[F32, FormatInfo], tuple[U8, F32]]

#: The code of NaN in a float format. Those of E2M1 are in the names.
ELEMENT_NAN: Mapping[ElementNan, Callable[[FormatInfo], int]] = MappingProxyType(
    {
        ElementNan.CODE_7: lambda fmt: fmt.max_code if fmt.nan_code is None else fmt.nan_code,
        ElementNan.CODE_0: lambda _: 0x0,
        ElementNan.CODE_8: lambda fmt: 1 << fmt.sign_shift,
        ElementNan.CODE_B: lambda _: 0xB,
        ElementNan.WRAPS: lambda _: 0xB,
    }
)


def saturate(y: F32, fmt: FormatInfo = E2M1) -> tuple[U8, F32]:
    """Return codes to nearest even, overflow and infinity to the largest value, and their values. N9a.

    As cvt.rn.satfinite does for E2M1, E2M3, E3M2, E4M3 and E5M2.
    """
    most = code_values(fmt)[fmt.max_code]
    within = y if fmt.inf_code is None else np.clip(y, -most, most)
    codes = encode(within, fmt).astype(np.uint8)
    return codes, code_values(fmt)[codes]


def ties_away(y: F32, fmt: FormatInfo = E2M1) -> tuple[U8, F32]:
    """Return codes with every tie to the larger magnitude, saturating. N9c.

    Source: Quartet II nvfp4_triton.py, whose thresholds all compare with >=.
    """
    return _signed(y, np.searchsorted(midpoints(fmt), np.abs(y), side="right"), fmt)


def ties_to_smaller(y: F32, fmt: FormatInfo = E2M1) -> tuple[U8, F32]:
    """Return codes with every tie to the smaller magnitude, saturating. N9e.

    Source: ModelOpt mxfp4_tensor.py and MLX, which take the first of two equally near values; fouroversix
            fp3.py for E2M0, whose thresholds 0.5, 1.5 and 3 go down.
    """
    return _signed(y, np.searchsorted(midpoints(fmt), np.abs(y), side="left"), fmt)


def _signed(y: F32, size: np.ndarray, fmt: FormatInfo) -> tuple[U8, F32]:
    """Return the codes with magnitudes `size` and the signs of y, and their values; NaN is the caller's."""
    magnitude = size.astype(np.uint8)
    magnitude[np.isnan(y)] = fmt.max_code
    codes = magnitude | (np.signbit(y).astype(np.uint8) << np.uint8(fmt.sign_shift))
    return codes, code_values(fmt)[codes]


def first_nearest(y: F32, _: FormatInfo = E2M1) -> tuple[U8, F32]:
    """Return the first E2M1 code whose |y - value|, rounded to float32, is least. N9f.

    A midpoint goes to the smaller magnitude, and no code is 8.
    Specials: the differences of a large y collide; an infinite y has code 0.
    Source:   MLX ops.cpp::fp_quantize, an argmin over the 16 values.
    """
    codes = np.argmin(np.abs(y[..., None] - E2M1_VALUES), axis=-1).astype(np.uint8)
    return codes, E2M1_VALUES[codes]


def nearest_product(x: F32, d: F32) -> tuple[U8, F32]:
    """Return the first E2M1 code whose |value*d - x|, rounded to float32, is least; d is s*D. N9g.

    Shapes:   x (..., n), d (...)
    Rounding: the product, which is exact where D is 1, and the difference.
    Specials: d = 0 gives code 0, since all differences are equal; so does an infinite x; no code is 8.
    Source:   ggml-quants.c::best_index_mxfp4, whose values are doubled and whose scale is halved.
    """
    distance = np.abs(E2M1_VALUES * d[..., None, None] - x[..., None])
    codes = np.argmin(np.where(np.isnan(distance), np.float32(np.inf), distance), axis=-1).astype(np.uint8)
    return codes, E2M1_VALUES[codes]


def unsaturated(y: F32, _: FormatInfo = E2M1) -> tuple[U8, F32]:
    """Round onto the E2M1 grid continued upward in steps of 2; take the code from the bfloat16 bits. N9b.

    A magnitude of 7 and above becomes 8 or more, and its code (exponent - 126) * 2 + top fraction bit passes
    7: 8 gives code 8, which reads as -0; 12 gives 9; 256 gives 18, which spills into the neighbour's nibble.
    From 2**127 on the value is NaN: the reference doubles it for the finest grid, which overflows, and
    multiplies that by a mask of zero.
    Source: fouroversix reference.py::fake_quantize_to_e2m1 and ::quantize_bf16_to_unpacked_fp4.
    """
    a = np.abs(y)
    step = np.where(a < 2, np.float32(0.5), np.where(a < 4, np.float32(1), np.float32(2)))  # noqa: PLR2004 -- the grid itself
    q = np.rint(a / step) * step
    q = np.where(np.isinf(a + a), np.float32(np.nan), q)
    bf16 = encode(q, BFLOAT16).astype(np.int32)
    exponent, fraction = bf16 >> BFLOAT16.fraction_bits, (bf16 >> (BFLOAT16.fraction_bits - 1)) & 1
    half_code = exponent - (BFLOAT16.bias - 1)
    magnitude = np.where(half_code == 0, 1, (half_code << 1) | fraction)
    magnitude = np.where(q == 0, 0, magnitude)
    codes = (magnitude | (np.signbit(y).astype(np.int32) << E2M1.sign_shift)).astype(np.uint8)
    return codes, np.copysign(q, y)


ELEMENT_CAST: Mapping[ElementCast, CastFn] = MappingProxyType(
    {
        ElementCast.SATURATE: saturate,
        ElementCast.TIES_AWAY: ties_away,
        ElementCast.TIES_TO_SMALLER: ties_to_smaller,
        ElementCast.FIRST_NEAREST: first_nearest,
        ElementCast.UNSATURATED: unsaturated,
    }
)

MINUS_ZEROS = (ZeroSign.NOT_POSITIVE, ZeroSign.ALWAYS)  #: what turns a code of +0 into one of -0
#: (scaled value, its code, that of -0) -> where the code's sign changes: to +0, or for MINUS_ZEROS to -0.
ZERO_SIGN: Mapping[ZeroSign, Callable[[F32, U8, int], Bool]] = MappingProxyType(
    {
        ZeroSign.SIGN_BIT: lambda y, *_: np.zeros(y.shape, dtype=np.bool_),
        ZeroSign.NEGATIVE_VALUES: lambda y, *_: y == 0,
        ZeroSign.NEVER: lambda y, code, minus_zero: (code == minus_zero) & (np.abs(y) < 1),
        ZeroSign.NOT_POSITIVE: lambda y, code, _: (y == 0) & (code == 0),
        ZeroSign.ALWAYS: lambda _, code, __: code == 0,
    }
)


def cast_float(y: F32, r: Recipe, fmt: FormatInfo, product: tuple[F32, F32] | None = None) -> tuple[U8, F32]:
    """Return (codes of a float format, the values they count as in the error): one rounding. N9.

    product: (x, s*D) of the scaled values, for the one cast that compares with x
    """
    if r.element_cast is ElementCast.NEAREST_PRODUCT:
        assert product is not None
        codes, values = nearest_product(*product)
    else:
        codes, values = ELEMENT_CAST[r.element_cast](y, fmt)
    nan = np.isnan(y) | np.isnan(values)
    if nan.any():
        codes[nan] = ELEMENT_NAN[r.element_nan](fmt)
        if r.element_cast is not ElementCast.UNSATURATED:
            values = code_values(fmt)[codes]
    minus_zero = 1 << fmt.sign_shift
    signs = ZERO_SIGN[r.zero_sign](y, codes, minus_zero)
    codes[signs] = minus_zero if r.zero_sign in MINUS_ZEROS else 0
    return codes, values


def cast_integer(y: F32, fmt: FormatInfo) -> tuple[U8, F32]:
    """Return (codes of an integer format, their values): clamp, then one rounding to nearest even. N9d.

    Specials: NaN gives 0. No code is -0, nor the most negative number of two's complement.
    Source:   fouroversix reference.py::fake_quantize_to_int4 and ::fake_quantize_to_int6.
    """
    most = code_values(fmt)[fmt.max_code]
    codes = encode(np.clip(y, -most, most), fmt).astype(np.uint8)
    return codes, code_values(fmt)[codes]


@dataclass(frozen=True, slots=True)
class Grid:
    """How one candidate turns scaled values into codes, and what a code is worth."""

    format: FormatInfo
    rescale: np.float32 = ONE  #: applied to the scaled value before the cast; times 1 is exact
    unit: np.float32 = ONE  #: the worth of one step, applied in the error and in dequantization
    product: tuple[F32, F32] | None = None  #: (x, s*D) of the blocks, for a cast that compares with x

    def cast(self, y: F32, r: Recipe) -> tuple[U8, F32]:
        """Return (codes, the values they count as): `cast_float` or `cast_integer`. N9."""
        if self.format.exponent_bits == 0:
            return cast_integer(y, self.format)
        return cast_float(y, r, self.format, self.product)

    def beside(self, x: F32, d: F32, r: Recipe) -> Grid:
        """Return the grid with the values and divisors of blocks, where r's cast compares with them."""
        return replace(self, product=(x, d)) if r.element_cast is ElementCast.NEAREST_PRODUCT else self

    @property
    def values(self) -> F32:
        """The value of every code."""
        return code_values(self.format)


def _grid(codes: Codes) -> Grid:
    rescale, unit = (np.uint32(b).view(np.float32) for b in (codes.rescale_bits, codes.unit_bits))
    return Grid(codes.format, rescale, unit)


def _grids(fmt: ElementFormat) -> tuple[Grid, Grid]:
    row = element(fmt)
    return _grid(row.first), _grid(row.second or row.first)


#: The grids of (map6, map4): of the first and the second candidate.
ELEMENT_FORMAT: Mapping[ElementFormat, tuple[Grid, Grid]] = MappingProxyType(
    {fmt: _grids(fmt) for fmt in ElementFormat}
)
