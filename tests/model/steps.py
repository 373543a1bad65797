"""Shared by the tests of the steps: bits there and back, and tensor scales of given bits."""

from __future__ import annotations

import numpy as np

from fos_ref.formats.bits import f32_hex, from_f32_hex
from fos_ref.model.trace import Scales

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
