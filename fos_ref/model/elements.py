"""The element steps: from a scaled value to a code and back (N9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from fos_ref.formats import BFLOAT16, decode, E2M1, encode
from fos_ref.formats.arrays import F32, U8
from fos_ref.recipes.axes import ElementCast, ElementNan, ZeroSign
from fos_ref.recipes.recipe import Recipe

E2M1_VALUES: F32 = decode(np.arange(16), E2M1).astype(np.float32)

ELEMENT_NAN: Mapping[ElementNan, int] = MappingProxyType(
    {ElementNan.CODE_7: 0x7, ElementNan.CODE_0: 0x0, ElementNan.WRAPS: 0xB}
)

#: Whether a scaled value of -0.0 keeps its sign in the code.
ZERO_SIGN: Mapping[ZeroSign, bool] = MappingProxyType(
    {ZeroSign.SIGN_BIT: True, ZeroSign.NEGATIVE_VALUES: False}
)


def cast_elements(y: F32, r: Recipe) -> tuple[U8, F32]:
    """Return (codes, the values they stand for in the error), round to nearest even.

    Shapes:   any -> the same
    Rounding: one, onto the E2M1 grid.
    Specials: magnitudes above 6, NaN and signed zeros as the recipe says.
    Spec:     N9.
    """
    codes, values = ELEMENT_CAST[r.element_cast](y)
    nan = np.isnan(y) if r.element_cast is ElementCast.SATURATE else np.isnan(values)
    if nan.any():
        codes[nan] = ELEMENT_NAN[r.element_nan]
        if r.element_cast is ElementCast.SATURATE:
            values = E2M1_VALUES[codes]
    if not ZERO_SIGN[r.zero_sign]:
        codes[y == 0] = 0
    return codes, values


def saturate(y: F32) -> tuple[U8, F32]:
    """E2M1 with magnitudes above 5 rounding to 6, as cvt.rn.satfinite.e2m1x2.f32. N9a."""
    codes = encode(y, E2M1).astype(np.uint8)
    return codes, E2M1_VALUES[codes]


def unsaturated(y: F32) -> tuple[U8, F32]:
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


ELEMENT_CAST: Mapping[ElementCast, Callable[[F32], tuple[U8, F32]]] = MappingProxyType(
    {ElementCast.SATURATE: saturate, ElementCast.UNSATURATED: unsaturated}
)
