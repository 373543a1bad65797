"""One rounding of an exact number to a format: to nearest, ties to even, on integers only."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

from fos_ref.formats.arrays import AnyArray, F32


class Form(NamedTuple):
    """A binary format: its dtype, significant bits, the exponent of its lowest bit, of its first overflow."""

    dtype: np.dtype[Any]
    digits: int
    lowest: int
    overflow: int


FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "float32": Form(np.dtype(np.float32), 24, -149, 128),
        "bfloat16": Form(np.dtype(ml_dtypes.bfloat16), 8, -133, 128),
        "float16": Form(np.dtype(np.float16), 11, -24, 16),
    }
)


def nearest(value: Fraction, form: Form) -> float:
    """Return a rational number as the nearest value of a format; infinity past its largest."""
    size = abs(value)
    if not size:
        return 0.0
    n, d = size.numerator, size.denominator
    exponent = n.bit_length() - d.bit_length()
    if size < Fraction(2) ** exponent:
        exponent -= 1
    step = max(exponent - form.digits + 1, form.lowest)
    units = round(size / Fraction(2) ** step)  # of a Fraction: exact, ties to even
    if units.bit_length() + step > form.overflow:
        return float("-inf" if value < 0 else "inf")
    found = float(units * Fraction(2) ** step)
    return -found if value < 0 else found


def cast(x: F32, out: str) -> AnyArray:
    """Return float32 values in the format `out`: one rounding, to nearest even."""
    with np.errstate(all="ignore"):
        return x.astype(FORMS[out].dtype)
