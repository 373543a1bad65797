"""Rounding onto a grid as numbers: what the vector loops need to know of a number format.

One form holds for every format here. In binade e of a magnitude z the grid's step is 2^(max(e, emin) -
fraction). So adding m = 2^(23 - fraction + max(e, emin)) to z rounds it to the grid, to nearest even, and
the bits of the sum count the steps passed. An integer of n bits is a float with fraction = emin = n: all
its values are subnormal.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from fos_ref.fast.vector.bound import bounds
from fos_ref.formats.arrays import U32
from fos_ref.formats.catalog import FormatInfo, Negatives
from fos_ref.recipes.axes import ElementCast, ElementScaling, ZeroSign
from fos_ref.recipes.elements import Codes
from fos_ref.recipes.recipe import Recipe

#: Fields of a candidate's grid, each a word a lane; see vector/casts.py.
FIELDS = 15
(
    RATIO,  #: float32: what the scaled value is multiplied by before the cast
    EMIN,  #: bits of 2^emin
    SHIFT,  #: what turns the bits of 2^e into those of m
    PLACES,  #: 23 - fraction
    MOST,  #: the largest magnitude code
    TIE,  #: float32: 1 where a tie goes to the smaller magnitude, -1 to the larger, 0 to even
    STEP,  #: what is taken off the code of such a tie
    LIMIT,  #: bits of the largest scaled value that the recipe takes for zero
    BY_VALUE,  #: all ones: a sign only where the scaled value is not zero
    BY_CODE,  #: all ones: a sign only where the code is not zero
    ALWAYS,  #: all ones: the sign of x
    OTHERWISE,  #: the sign elsewhere, all ones for minus
    TURN,  #: all ones: the code of a negative value is turned, as in two's complement
    SIGN,  #: what is added to the code of a negative value
    MASK,  #: the bits of a code
) = range(FIELDS)
SECOND = FIELDS  #: the second candidate's fields follow the first one's
#: Behind them, for the choice: the worth of the second grid's step, the largest values, the bounds; float32.
UNIT, TOP, SECOND_TOP, STEEP, SQUARES, SLOPE, MAGNITUDES, MAXIMUM = range(2 * FIELDS, 2 * FIELDS + 8)
REGULAR = 2 * FIELDS + 8  #: what scaled values have to stay below, float32
SIZE = REGULAR + 1
FAR = 2.0**20  #: well above every grid, well below where m would overflow
ALL = 0xFFFFFFFF
_HALF_ULP = {"float32": 0.0, "bfloat16": 2.0**-134, "float16": 2.0**-25}  #: up to this a dtype has zero


def _bits(v: float) -> int:
    return int(np.float32(v).view(np.uint32))


def _fields(codes: Codes, r: Recipe, limit: float) -> list[int]:
    """Return the fields of one candidate."""
    info = codes.format
    fraction, width = info.fraction_bits, info.bits
    whole = info.exponent_bits == 0
    away, down = ElementCast.TIES_AWAY, (ElementCast.TIES_TO_SMALLER, ElementCast.FIRST_NEAREST)
    tie = 0 if whole else 1 if r.element_cast in down else -1 if r.element_cast is away else 0
    rule = ZeroSign.NEVER if whole else r.zero_sign
    by_value = rule in (ZeroSign.NEGATIVE_VALUES, ZeroSign.NOT_POSITIVE)
    turned = info.negatives is Negatives.TWOS_COMPLEMENT
    return [
        codes.rescale_bits,
        _bits(2.0**info.emin),
        (23 - fraction) << 23,
        23 - fraction,
        info.max_code,
        _bits(tie),
        tie & ALL,
        _bits(limit),
        ALL * by_value,
        ALL * (rule in (ZeroSign.NEVER, ZeroSign.ALWAYS)),
        ALL * (rule is ZeroSign.SIGN_BIT),
        ALL * (rule in (ZeroSign.NOT_POSITIVE, ZeroSign.ALWAYS)),
        ALL * turned,
        1 if turned else 1 << (width - 1),
        (1 << width) - 1,
    ]


def _regular(r: Recipe, top: float, info: FormatInfo) -> float:
    """Return what the scaled values of a block have to stay below for the grid loops."""
    if r.chooses:
        return 7 / 6 * top
    if info.exponent_bits and r.element_cast is ElementCast.UNSATURATED:
        return 7.0
    return 8.0 if r.element_cast is ElementCast.FIRST_NEAREST else FAR


@cache
def table(r: Recipe, dtype: np.dtype[Any]) -> U32:
    """Return the words (SIZE,) of a recipe for inputs of a dtype."""
    first, second = r.element.first, r.element.second or r.element.first
    rounded = r.element_scaling is ElementScaling.DIVIDE_THEN_ENCODE
    limit = _HALF_ULP[dtype.name] if rounded else 0.0
    top, unit = float(r.element.maximum), float(np.uint32(second.unit_bits).view(np.float32))
    n, below = r.block_rows * r.block_cols, _regular(r, top, first.format)
    figures = (unit, top, second.format.max_code, *bounds(n, top, unit), below)
    fields = (*_fields(first, r, limit), *_fields(second, r, limit))
    return np.array([*fields, *map(_bits, figures)], dtype=np.uint32)
