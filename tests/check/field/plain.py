"""Bytes of kernels with mistakes, from the formulas: NumPy and ml_dtypes, nothing of the package."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import ml_dtypes
import numpy as np

F = np.float32
E4M3 = ml_dtypes.float8_e4m3fn
GRID = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], F)
MIDDLES = np.array([0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5], F)


def normal(shape: tuple[int, int], seed: int = 0, scale: float = 1.0) -> Any:
    """Return a seeded normal tensor."""
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(F)


def nearest_code(y: Any) -> Any:
    """Return the code of the nearest E2M1 value, ties to even, saturating, with the sign of y."""
    magnitude = np.abs(y)
    low, high = (np.searchsorted(MIDDLES, magnitude, side=side) for side in ("left", "right"))
    code = np.where(low == high, low, (low + 1) // 2 * 2)
    return (code | np.where(np.signbit(y), 8, 0)).astype(np.uint8)


def rounded_scale(base: Any) -> Any:
    """Return the E4M3 byte of a block scale: nearest even, saturating."""
    return np.minimum(base, F(448)).astype(E4M3).view(np.uint8)


@dataclass(frozen=True)
class Kernel:
    """NVFP4 with its steps as fields, so that each can be done wrong."""

    s: float | None = None  #: the tensor scale; None: 2688/max|x|
    amax: Any = field(default=lambda blocks: np.abs(blocks).max(axis=-1))
    scale: Any = field(default=rounded_scale)
    code: Any = field(default=nearest_code)

    def __call__(self, x: Any) -> tuple[Any, Any]:
        """Return packed codes and scale bytes of x."""
        with np.errstate(all="ignore"):
            blocks = x.astype(F).reshape(len(x), -1, 16)
            s = F(2688) / np.abs(x.astype(F)).max() if self.s is None else F(self.s)
            byte = self.scale((self.amax(blocks) / F(6)).astype(F) * s)
            value = byte.view(E4M3).astype(F)
            m = np.minimum(F(1) / (value * (F(1) / s)), np.finfo(F).max)[..., None]
            codes = self.code(np.where(value[..., None] == 0, F(0), blocks * m)).reshape(x.shape)
        return pack(codes), byte


def pack(codes: Any) -> Any:
    """Return codes two a byte."""
    return (codes[:, 0::2] | codes[:, 1::2] << 4).astype(np.uint8)


def unpack(packed: Any) -> Any:
    """Return one code a byte."""
    return np.stack([packed & 15, packed >> 4], axis=-1).reshape(len(packed), -1)
