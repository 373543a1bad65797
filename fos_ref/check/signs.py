"""Codes of any element format taken apart, into magnitude and sign, and put together again."""

from __future__ import annotations

from typing import Any

import numpy as np

from fos_ref.formats import FormatInfo
from fos_ref.formats.arrays import Bool, U8
from fos_ref.formats.catalog import Negatives
from fos_ref.model.dequantize import holds_second
from fos_ref.recipes.recipe import Recipe


def magnitudes(codes: U8, fmt: FormatInfo) -> U8:
    """Return the magnitude of each code: of -1 in two's complement that of 1."""
    sign, mask = _sign(fmt), _mask(fmt)
    if fmt.negatives is Negatives.TWOS_COMPLEMENT:
        return np.where(codes & sign, (~codes + np.uint8(1)) & mask, codes).astype(np.uint8)
    return np.asarray(codes & (sign - np.uint8(1)), dtype=np.uint8)


def negative(codes: U8, fmt: FormatInfo) -> Bool:
    """Return where a code has a sign."""
    signed: Bool = (codes & _sign(fmt)) != 0
    return signed


def with_sign(magnitude: Any, minus: Any, fmt: FormatInfo) -> U8:
    """Return the codes of some magnitudes, negative where `minus` says so; a zero has a sign if it can."""
    size = np.asarray(magnitude, dtype=np.uint8)
    match fmt.negatives:
        case Negatives.TWOS_COMPLEMENT:
            signed = (~size + np.uint8(1)) & _mask(fmt)
        case Negatives.ONE_ZERO:
            signed = np.where(size > 0, size | _sign(fmt), size)
        case _:
            signed = size | _sign(fmt)
    return np.asarray(np.where(minus, signed, size), dtype=np.uint8)


def by_format(change: Any, codes: U8, scales: U8, r: Recipe) -> U8:
    """Return change(codes, format), where the scale bytes say which of two formats a block has."""
    first = change(codes, r.element.first.format)
    if r.element.second is None:
        return np.asarray(first, dtype=np.uint8)
    second = holds_second(scales, r)[..., None]
    return np.asarray(np.where(second, change(codes, r.element.second.format), first), dtype=np.uint8)


def _sign(fmt: FormatInfo) -> np.uint8:
    return np.uint8(1 << fmt.sign_shift)


def _mask(fmt: FormatInfo) -> np.uint8:
    return np.uint8((1 << fmt.bits) - 1)
