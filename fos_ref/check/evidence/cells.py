"""Which numbers a stored byte allows: unrounded block scales for a scale byte, scaled values for a code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np

from fos_ref.formats import decode, FormatInfo, UE4M3
from fos_ref.formats.arrays import Bool, F32, F64, U8
from fos_ref.model import dequantize
from fos_ref.model.elements import code_values
from fos_ref.recipes.axes import ScaleFloor, ScaleFormat
from fos_ref.recipes.recipe import Recipe

SATURATED = 0x7E  #: the byte of 448
_NAN = 0x7F
_BYTES = 256
_SLACK = 2.0**-20  #: relative: a few float32 roundings
_E4M3: F64 = decode(np.arange(128), UE4M3)
_SIGN = np.uint8(0x80)
#: The byte below which a floor may have raised a scale.
_FLOORS: Mapping[ScaleFloor, int] = MappingProxyType(
    {ScaleFloor.MIN_NORMAL: 0x08, ScaleFloor.ZERO_IS_ONE: 0x01, ScaleFloor.ZERO_IS_EIGHTH: 0x20}
)
FLOOR_BYTES = tuple(_FLOORS.values())
ROUNDINGS = ("nearest", "up", "down")


@dataclass(frozen=True, slots=True)
class Cells:
    """The numbers that a byte or a code may stand for: from `low` to `high`, by its value as an index."""

    low: F64
    high: F64


@cache
def scale_cells(floor: ScaleFloor, rounding: str) -> Cells:
    """Return the unrounded block scales of each E4M3 byte; empty (low > high) for NaN and negative bytes."""
    values = _E4M3[: SATURATED + 1]
    middles = (values[1:] + values[:-1]) / 2
    below = {"nearest": np.append(0, middles), "up": np.append(0, values[:-1]), "down": values}[rounding]
    above = {
        "nearest": np.append(middles, np.inf),
        "up": np.append(values[:-1], np.inf),
        "down": np.append(values[1:], np.inf),
    }[rounding]
    low, high = np.full(_BYTES, np.inf), np.full(_BYTES, -np.inf)
    low[: SATURATED + 1], high[: SATURATED + 1] = below * (1 - _SLACK), above * (1 + _SLACK)
    if floor in _FLOORS:
        low[_FLOORS[floor]] = 0
    return Cells(low, high)


def scale_values(scales: U8, r: Recipe) -> F32:
    """Return what scale bytes are worth; the sign bit of an IF4 scale is no part of its value."""
    if r.scale_format.is_power:
        return (scales.astype(np.uint32) << np.uint32(23)).view(np.float32)
    if r.scale_format is not ScaleFormat.E4M3:
        return dequantize.scale_values(scales, r)
    if r.element.second is not None:
        scales = scales & ~_SIGN
    table = np.concatenate([_E4M3, -_E4M3]).astype(np.float32)
    return table[scales]


@cache
def code_cells(fmt: FormatInfo, reach: str) -> Cells:
    """Return the scaled values of each code, signs included; none for NaN, infinity and integers' extra code.

    reach: "nearest": those that it is the nearest code of; "neighbour": those that it is one of two of
    """
    values = code_values(fmt).astype(np.float64)
    number = np.isfinite(values) & (np.abs(values) <= values[fmt.max_code])
    if fmt.exponent_bits == 0:  # -8 is no code of a symmetric format, nor is -0 where there is one zero
        number[1 << fmt.sign_shift] = False
    values = np.where(number, values, 0.0)
    grid = np.unique(values)
    at = np.searchsorted(grid, values)
    before = np.append(-np.inf, grid)[np.minimum(at, len(grid))]
    after = np.append(grid, np.inf)[np.minimum(at + 1, len(grid))]
    if reach == "nearest":
        before, after = (before + values) / 2, (after + values) / 2
    low = np.where(np.isfinite(before), before - np.abs(before) * _SLACK, -np.inf)
    high = np.where(np.isfinite(after), after + np.abs(after) * _SLACK, np.inf)
    return Cells(np.where(number, low, np.inf), np.where(number, high, -np.inf))


def is_nan(scales: U8, r: Recipe) -> Bool:
    """Return where a scale byte is NaN."""
    if r.scale_format is ScaleFormat.E4M3_HALF_UP:
        return np.zeros(scales.shape, dtype=np.bool_)
    mask = 0xFF if r.scale_format is not ScaleFormat.E4M3 else _NAN
    return np.asarray((scales & mask) == mask)
