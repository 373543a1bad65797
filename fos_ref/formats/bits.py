"""Bit patterns: views and hex. Conversions between 16-bit floats and float32 are exact."""

from __future__ import annotations

import numpy as np

from fos_ref.formats.arrays import AnyArray, Bool, F32, U32

CANONICAL_NAN = np.uint32(0x7FC00000).view(np.float32)


def f32_bits(x: AnyArray) -> U32:
    """Return the float32 bit patterns of `x` (a view where it can be one)."""
    return np.ascontiguousarray(x, dtype=np.float32).view(np.uint32)


def f32_hex(x: float | np.float32) -> str:
    """Return one float32 as eight hex digits, e.g. 1.0 -> '3F800000'."""
    return f"{int(np.float32(x).view(np.uint32)):08X}"


def from_f32_hex(text: str) -> np.float32:
    """Return the float32 whose bits are the eight hex digits `text`."""
    return np.uint32(int(text, 16)).view(np.float32)


def canonical_nan(x: F32) -> F32:
    """Return float32 values with every NaN as 7FC00000; `x` itself where it has none.

    Which NaN an operation gives, its sign and its payload, is the processor's and the compiler's choice.
    """
    is_nan: Bool = np.isnan(x)
    return np.where(is_nan, CANONICAL_NAN, x) if is_nan.any() else x


def widen(x: AnyArray) -> F32:
    """Return float32, float16 or bfloat16 values as float32: exact, so nothing is rounded."""
    with np.errstate(invalid="ignore"):  # a signalling NaN raises the flag when it is widened
        return x.astype(np.float32)
