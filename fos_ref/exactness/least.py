"""The least squared error that any E4M3 block scale gives: what no rule that chooses one can pass."""

from __future__ import annotations

import numpy as np

from fos_ref.formats import decode, E2M1, UE4M3
from fos_ref.formats.arrays import AnyArray, F64, U8
from fos_ref.recipes.recipe import BLOCK

_LARGEST = 0x7E  #: the code of the largest E4M3 scale; 0 and NaN are no scales
SCALES: F64 = decode(np.arange(1, _LARGEST + 1), UE4M3).astype(np.float64)
VALUES: F64 = decode(np.arange(8), E2M1).astype(np.float64)
_MIDPOINTS: F64 = (VALUES[1:] + VALUES[:-1]) / 2


def least_squared(x: AnyArray, amax: np.floating, bound: int) -> F64:
    """Return, for each block of 16, the least sum of (q * s * D - x)^2 over E2M1 values q and scales s.

    Shapes:   x (R, C), C whole blocks; the result (R, C / 16). D is amax / (6 * bound).
    Dtypes:   float64 throughout.
    Rounding: that of float64, in the order of np.sum: right to some 15 digits, not a bit pattern.
    Specials: finite values only, amax above 0. s is each of the 126 positive E4M3 scales, q the value
              nearest to x / (s * D), which no other one beats.
    """
    magnitudes = np.abs(x.astype(np.float64)).reshape(len(x), -1, BLOCK)
    decode_scale = float(amax) / (VALUES[-1] * bound)
    least: F64 = np.full(magnitudes.shape[:2], np.inf)
    for s in SCALES:
        unit = s * decode_scale
        nearest = VALUES[_place(magnitudes / unit)] * unit
        np.minimum(least, np.sum(np.square(nearest - magnitudes), axis=-1), out=least)
    return least


def _place(y: F64) -> U8:
    """Return how many midpoints each value is above: the index of the nearest value, of the smaller at a tie.

    np.searchsorted finds the same, in three times the time for so few midpoints.
    """
    place = np.zeros(y.shape, dtype=np.uint8)
    for middle in _MIDPOINTS:
        place += y > middle
    return place
