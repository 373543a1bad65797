"""Shared by the tests of the steps: bits there and back, and tensor scales of given bits."""

from __future__ import annotations

import numpy as np

from fos_ref.formats.bits import f32_hex, from_f32_hex
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import ScaleFloor, ScaleFormat

F32 = np.dtype(np.float32)
ONE = "3F800000"


def h(text: str) -> np.ndarray:
    """Return the float32 of eight hex digits, as an array ()."""
    return np.asarray(from_f32_hex(text))


def hexes(*values) -> list[str]:
    return [f32_hex(v) for v in np.concatenate([np.ravel(np.asarray(v, np.float32)) for v in values])]


def f32(*values) -> np.ndarray:
    return np.array(values, np.float32)


def under(*, a: str = ONE, s: str = ONE, d: str = ONE, c: int = 2688, dtype=F32) -> Scales:
    """Return tensor scales of the given bits."""
    return Scales(amax=h(a), encode=h(s), decode=h(d), range_max=np.float32(c), dtype=np.dtype(dtype))


#: The scale byte of an all-zero block.
ZERO_BYTE = {
    ScaleFloor.NONE: 0x00,
    ScaleFloor.MIN_NORMAL: 0x08,
    ScaleFloor.ZERO_IS_ONE: 0x38,
    ScaleFloor.ZERO_IS_EIGHTH: 0x20,
    ScaleFloor.ZERO_ALONE_IS_ONE: 0x7F,  # of E8M0
    ScaleFloor.MIN_SUBNORMAL: 0x01,
    ScaleFloor.ZERO_CODE_IS_ONE: 0x38,
}
#: Scales rounded down so far that the largest values of a block saturate.
SATURATING = (ScaleFormat.E8M0_FLOOR, ScaleFormat.E8M0_NEAREST_LOG2)


def zero_byte(r):
    """Return the scale byte of a block of zeros: where it counts as 1, that of the format's 1."""
    one = 0x7F if r.scale_format.is_power else 0x38
    return one if r.scale_floor is ScaleFloor.TINY_IS_ONE else ZERO_BYTE[r.scale_floor]
