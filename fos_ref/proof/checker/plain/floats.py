"""What the plain quantizer's parts do to numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

_TINY = np.finfo(np.float32).tiny


def ftz(v: Any) -> Any:
    """Return float32 values with subnormals as zeros of their sign."""
    return np.where(np.abs(v) < _TINY, np.copysign(np.float32(0), v), v).astype(np.float32)
