"""A power with one rounding, for the metric that is no square (N11)."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import numpy as np

from fos_ref.formats.arrays import F32
from fos_ref.model.rounding import to_dtype

POWER = np.float32(2.4)  #: the exponent; rounded to the dtype of the input
_DOUBT = 2.0**-46  #: relative; a float64 power is nearer to the truth on every machine
_DIGITS = 60


def power(a: F32, dtype: np.dtype[Any]) -> F32:
    """Return a ** RN_T(2.4) for a of 0 and above, rounded to float32 and then to the dtype T. N11.

    Rounding: two, to nearest even; one where T is float32. The float64 power decides where all numbers near
              it round to the same float32; elsewhere 60 decimal digits do.
    Specials: 0 gives 0, infinity infinity, NaN NaN.
    """
    exponent = float(to_dtype(np.asarray(POWER), dtype))
    wide = np.power(a.astype(np.float64), exponent)
    with np.errstate(over="ignore", under="ignore"):
        low, high = ((wide * (1 + d)).astype(np.float32) for d in (-_DOUBT, _DOUBT))
        result = np.asarray(wide.astype(np.float32))
    for i in zip(*np.nonzero(low < high), strict=True):
        result[i] = _decided(float(a[i]), exponent, low[i], high[i])
    with np.errstate(over="ignore"):
        return to_dtype(result, dtype)


def _decided(a: float, exponent: float, low: np.float32, high: np.float32) -> np.float32:
    """Return which of two neighbours is nearer to a ** exponent, which is halfway for no float32 a."""
    with localcontext() as context:
        context.prec = _DIGITS
        middle = (Decimal(float(low)) + Decimal(min(float(high), 2.0**128))) / 2
        return high if Decimal(a) ** Decimal(exponent) > middle else low
