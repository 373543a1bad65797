"""Float32 values as bit patterns, for tests that compare them."""

from __future__ import annotations

from typing import Any

import numpy as np

NAN_BITS = 0x7FC00000


def bits_of(v: Any) -> list[int]:
    return np.ascontiguousarray(v, dtype=np.float32).view(np.uint32).ravel().tolist()


def plain(v: Any) -> list[int]:
    """Return bits with one NaN and one zero: a sum of differences has no sign of zero to compare."""
    return [NAN_BITS if b & 0x7FFFFFFF > 0x7F800000 else 0 if b == 0x80000000 else b for b in bits_of(v)]
