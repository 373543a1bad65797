"""What the codes and the scale bytes of a beat stand for, as whole numbers."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fos_ref.errors import InputError
from fos_ref.formats.arrays import Bool, I64, U8
from fos_ref.matmul.units.beats import Beats

CODE_8 = ("assert", "datapath")
I16: TypeAlias = NDArray[np.int16]
SIGN, LOW, FLAG = 0x8, 0x7, 0x80
_HALVES = np.array([0, 1, 2, 3, 4, 6, 8, 12], dtype=np.int16)  #: E2M1 magnitudes, doubled
_LARGEST = 0x7E


def check_codes(beats: Beats, cycles: I64) -> None:
    """Raise InputError for a code 8 in one of these cycles: the published simulation stops at it."""
    for name, part in (("a", beats.a), ("w", beats.w)):
        found = np.argwhere(part[cycles] == SIGN)
        if len(found):
            beat, lane = cycles[found[0][0]], found[0][1]
            msg = f"mac: code 8 of {name} in beat {beat}, lane {lane}: others are allowed, or the datapath"
            raise InputError(msg)


def magnitudes(codes: U8, is_int: Bool) -> tuple[I16, Bool]:
    """Return (magnitudes in halves, signs). INT4: 8 minus the low bits where the sign is set, doubled."""
    sign, low = codes & SIGN != 0, (codes & LOW).astype(np.int16)
    integers = 2 * np.where(sign, SIGN - low, low)
    return np.where(is_int, integers, _HALVES[low]).astype(np.int16), sign


def scale_parts(stored: U8) -> tuple[I64, I64]:
    """Return (significand 0 to 15, exponent of its unit) of scale bytes without bit 7; 7F is read as 448."""
    low = np.minimum(stored & 0x7F, _LARGEST).astype(np.int64)
    field, fraction = low >> 3, low & LOW
    return np.where(field > 0, fraction + SIGN, fraction), np.maximum(field, 1) - 10
