"""What the plain quantizer's parts do to numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

_TINY = np.finfo(np.float32).tiny


def ftz(v: Any) -> Any:
    """Return float32 values with subnormals as zeros of their sign."""
    return np.where(np.abs(v) < _TINY, np.copysign(np.float32(0), v), v).astype(np.float32)


def near(v: Any, bug: frozenset[str]) -> Any:
    """Return reciprocals, or what a chip may give for them: a float32 neighbour, or the number itself."""
    if "approximate" not in bug:
        return v
    off = np.random.default_rng(2).integers(-1, 2, size=v.shape)
    return (v.view(np.int32) + off.astype(np.int32)).view(np.float32)
