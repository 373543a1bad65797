"""A recipe as numbers: the position of each axis value in its enum, and the constants of its formulas.

The compiled steps compare positions; they know no recipe. A value that the steps do not know makes the engine
refuse the recipe, and a test asks that they know every value.
"""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import Any

import numpy as np

from fos_ref.fast.vector.table import SIZE, table
from fos_ref.formats import E2M1
from fos_ref.formats.catalog import Negatives
from fos_ref.model.elements import ELEMENT_FORMAT, ELEMENT_NAN, Grid
from fos_ref.recipes.recipe import Recipe

#: The axes that a kernel reads, in the order of its configuration.
FIELDS = (
    "element_format",
    "scale_format",
    "candidates",
    "block_scale",
    "map4_scale",
    "scale_floor",
    "scale_nan",
    "element_scaling",
    "zero_scale",
    "reciprocal_overflow",
    "element_cast",
    "element_nan",
    "zero_sign",
    "error_domain",
    "error_metric",
    "reduction",
    "tie",
    "nonfinite",
)
NONE = -1  #: an axis that the recipe leaves open

(
    ELEMENT_FORMAT_AT,
    SCALE_FORMAT_AT,
    CANDIDATES_AT,
    BLOCK_SCALE_AT,
    MAP4_SCALE_AT,
    SCALE_FLOOR_AT,
    SCALE_NAN_AT,
    ELEMENT_SCALING_AT,
    ZERO_SCALE_AT,
    RECIPROCAL_OVERFLOW_AT,
    ELEMENT_CAST_AT,
    ELEMENT_NAN_AT,
    ZERO_SIGN_AT,
    ERROR_DOMAIN_AT,
    ERROR_METRIC_AT,
    REDUCTION_AT,
    TIE_AT,
    NONFINITE_AT,
) = range(len(FIELDS))
DTYPE_AT = len(FIELDS)  #: of the input: 0 float32, 1 bfloat16, 2 float16
VALUES_AT = DTYPE_AT + 1  #: values per block
FILTER_AT = VALUES_AT + 1  #: whether the error filter may decide
CODES_PER_BYTE_AT = FILTER_AT + 1
EXPONENT_AT = CODES_PER_BYTE_AT + 1  #: that of the largest power of two among an element's values
FIRST_AT = EXPONENT_AT + 1  #: the numbers of the first candidate's grid
#: Positions of a grid's numbers from its first on.
KIND, PLACES, LEAST, MOST, SIGN_SHIFT, NAN, NAN_BITS = range(7)
GRID = 7
SECOND_AT = FIRST_AT + GRID
ENCODER_AT = SECOND_AT + GRID  #: who writes the codes of regular blocks
TABLE_AT = ENCODER_AT + 1  #: the words of vector/table.py
INTEGERS = TABLE_AT + SIZE
E2M1_LOOPS, GRID_LOOPS, GRID_LOOPS_INVERTED = range(3)  #: of ENCODER_AT

#: Kinds of a grid: E2M1, whose loops have its numbers in them, other floats, integers of both forms.
E2M1_GRID, FLOATS, ONE_ZERO, COMPLEMENT = range(4)
_KINDS = {Negatives.ONE_ZERO: ONE_ZERO, Negatives.TWOS_COMPLEMENT: COMPLEMENT}

#: Positions of the constants.
ELEMENT_MAX, RANGE_MAX, SCALE_MAX, RESCALE4, UNIT4, UNIT6 = range(6)
DTYPES = ("float32", "bfloat16", "float16")


@cache
def position(member: Enum) -> int:
    """Return the position of an axis value in its enum."""
    return list(type(member)).index(member)


def integers(r: Recipe, dtype: np.dtype[Any]) -> np.ndarray:
    """Return the configuration (INTEGERS,) int64 of a recipe for an input of `dtype`; the filter is off."""
    values = [getattr(r, name) for name in FIELDS]
    known = [NONE if v is None else position(v) for v in values]
    shape = (DTYPES.index(dtype.name), r.block_rows * r.block_cols, 0, r.codes_per_byte, r.element.exponent)
    grids = [n for g in ELEMENT_FORMAT[r.element_format] for n in _numbers(g, r)]
    return np.array([*known, *shape, *grids, E2M1_LOOPS, *table(r, dtype)], dtype=np.int64)


def _numbers(g: Grid, r: Recipe) -> tuple[int, ...]:
    """Return the numbers of a candidate's grid, floats as their bits."""
    fmt = g.format
    nan = 0 if fmt.exponent_bits == 0 else ELEMENT_NAN[r.element_nan](fmt)
    numbers = (2.0**fmt.emin, g.values[fmt.max_code], g.values[nan])
    least, most, of_nan = (int(np.float32(v).view(np.uint32)) for v in numbers)
    kind = E2M1_GRID if fmt is E2M1 else _KINDS.get(fmt.negatives, FLOATS)
    return kind, fmt.fraction_bits, least, most, fmt.sign_shift, nan, of_nan


def constants(r: Recipe) -> np.ndarray:
    """Return the float32 constants of a recipe's formulas."""
    first, second = ELEMENT_FORMAT[r.element_format]
    numbers = (r.element_max, r.range_max, r.scale_max, second.rescale, second.unit, first.unit)
    return np.array(numbers, dtype=np.float32)
