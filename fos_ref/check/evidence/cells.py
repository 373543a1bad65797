"""Which numbers a stored byte allows: unrounded block scales for a scale byte, scaled values for a code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np

from fos_ref.formats import decode, FormatInfo, UE4M3, UE5M3
from fos_ref.formats.arrays import Bool, F32, F64, U8
from fos_ref.model.dequantize import scale_values as decoded
from fos_ref.model.elements import code_values
from fos_ref.recipes.axes import ScaleFloor, ScaleFormat
from fos_ref.recipes.recipe import Recipe

_NO_SIGN = 0x7F
_BYTES = 256
_SLACK = 2.0**-20  #: relative: a few float32 roundings
_SIGN = np.uint8(0x80)
_OF_E4M3 = (ScaleFormat.E4M3, ScaleFormat.E4M3_HALF_UP)
_E4M3_LARGEST, _OTHER_LARGEST = 0x7E, 0xFE  #: the bytes of 448; of 114688 and of 2^127
#: The formats of scales that a tensor scale can be solved from.
_SOLVED: Mapping[ScaleFormat, FormatInfo] = MappingProxyType(
    {ScaleFormat.E4M3: UE4M3, ScaleFormat.E5M3: UE5M3}
)
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
def scale_cells(r: Recipe, rounding: str) -> Cells | None:
    """Return the unrounded block scales of each byte; empty (low > high) for NaN and negative bytes.

    None for scales of which no tensor scale can be told: powers of two, or what a search chose.
    """
    if r.scale_format not in _SOLVED or r.search is not None:
        return None
    fmt = _SOLVED[r.scale_format]
    values: F64 = decode(np.arange(fmt.max_code + 1), fmt)
    middles = (values[1:] + values[:-1]) / 2
    below = {"nearest": np.append(0, middles), "up": np.append(0, values[:-1]), "down": values}[rounding]
    above = {
        "nearest": np.append(middles, np.inf),
        "up": np.append(values[:-1], np.inf),
        "down": np.append(values[1:], np.inf),
    }[rounding]
    low, high = np.full(_BYTES, np.inf), np.full(_BYTES, -np.inf)
    low[: values.size], high[: values.size] = below * (1 - _SLACK), above * (1 + _SLACK)
    if r.scale_floor in _FLOORS:
        low[_FLOORS[r.scale_floor]] = 0
    return Cells(low, high)


@cache
def _scale_table(r: Recipe) -> F32:
    """Return what each scale byte is worth."""
    every = np.arange(_BYTES, dtype=np.uint8)
    values = decoded(every, r)
    if r.scale_format not in _OF_E4M3 or r.element.second is not None:
        return values
    return np.where(every & _SIGN, -decoded(every & np.uint8(_NO_SIGN), r), values)


def scale_values(scales: U8, r: Recipe) -> F32:
    """Return what scale bytes are worth, without a sign that says which format a block has."""
    worth: F32 = _scale_table(r)[scales]
    return worth


def magnitude_bytes(scales: U8, r: Recipe) -> U8:
    """Return scale bytes without the sign that says which of two formats a block has."""
    return scales if r.element.second is None else scales & np.uint8(_NO_SIGN)


def saturated_byte(r: Recipe) -> int:
    """Return the byte of the largest block scale."""
    return _E4M3_LARGEST if r.scale_format in _OF_E4M3 else _OTHER_LARGEST


@cache
def code_cells(fmt: FormatInfo, reach: str) -> Cells:
    """Return the scaled values of each code, signs included; empty for what no cast gives.

    reach: "nearest": those that it is the nearest code of; "neighbour": those that it is one of two of
    """
    values = code_values(fmt).astype(np.float64)
    legal = np.abs(values) <= values[fmt.max_code]
    if fmt.exponent_bits == 0:  # nor is -0 a code where there is one zero
        legal[1 << fmt.sign_shift] = False
    grid = np.unique(values[legal])
    at = np.searchsorted(grid, values)
    before = np.append(-np.inf, grid)[np.minimum(at, len(grid))]
    after = np.append(grid, np.inf)[np.minimum(at + 1, len(grid))]
    if reach == "nearest":
        before, after = (before + values) / 2, (after + values) / 2
    low = np.where(np.isfinite(before), before - np.abs(before) * _SLACK, -np.inf)
    high = np.where(np.isfinite(after), after + np.abs(after) * _SLACK, np.inf)
    return Cells(np.where(legal, low, np.inf), np.where(legal, high, -np.inf))


def is_nan(scales: U8, r: Recipe) -> Bool:
    """Return where a scale byte is no number."""
    return np.asarray(~np.isfinite(_scale_table(r))[scales])
