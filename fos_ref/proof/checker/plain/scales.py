"""Mistakes of the plain quantizer in block amaxes and block scale bytes, in arithmetic of their own."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

_F, _E4M3 = np.float32, ml_dtypes.float8_e4m3fn
_NAN, _LARGEST, _OF_256, _FIRST_NORMAL = 0x7F, 0x7E, 0x78, 8  #: E4M3 bytes; 0x7F is 480 without NaN
#: Mistake -> what is added to every scale byte.
_ADDED = {"scale-minus-8": -8, "scale-plus-3": 3, "scale-minus-1": -1}


def block_amax(x: Any, bug: frozenset[str]) -> Any:
    """Return the block amaxes (T, B) of x (T, B, 16)."""
    own = np.abs(x).max(axis=2)
    if bug & {"pair-amax", "pair-amax-late"}:
        late = own.copy()
        for k in range(2 if "pair-amax-late" in bug else 0, own.shape[1], 2):
            late[:, k : k + 2] = own[:, k : k + 2].max(axis=1, keepdims=True)
        return late
    if "neighbour-amax" in bug:
        return np.concatenate([own[:, 1:], own[:, -1:]], axis=1)
    if "signed-amax" in bug:
        return np.maximum(x.max(axis=2), _F(0))
    return np.abs(x[..., :8]).max(axis=2) if "half-amax" in bug else own


def byte_of(base: Any, bug: frozenset[str]) -> tuple[Any, Any]:
    """Return (byte, value) of the block scale."""
    base = np.maximum(base, _F(2.0**-6)) if "scale-clamped" in bug else base
    limited = base if bug & {"scale-nan", "scale-480"} else np.minimum(base, _F(448))
    byte = limited.astype(_E4M3).view(np.uint8).astype(np.int32)
    byte = np.where(np.isnan(limited), _NAN, byte)
    value = limited.astype(_E4M3).astype(_F)
    if "scale-up" in bug:
        byte = np.where((value < base) & (byte < _LARGEST), byte + 1, byte)
    if "scale-ties-up" in bug:
        above = np.where(byte < _LARGEST, byte + 1, byte).astype(np.uint8).view(_E4M3).astype(np.float64)
        byte = np.where((value < base) & (2 * base.astype(np.float64) == value + above), byte + 1, byte)
    if "scale-down" in bug:
        byte = np.where((value > base) & (byte > 0), byte - 1, byte)
    if "scale-flushed" in bug:
        byte = np.where(byte < _FIRST_NORMAL, 0, byte)
    byte = _stored_byte(byte, base, bug)
    value = byte.astype(np.uint8).view(_E4M3).astype(_F)
    return byte, np.where(byte == _NAN, _F(480), value) if "scale-480" in bug else value


def _stored_byte(byte: Any, base: Any, bug: frozenset[str]) -> Any:
    """Return the scale byte that the codes are made with."""
    if "carry-lost" in bug:
        down = _truncated(base)
        carries = (byte == down + 1) & (byte % 8 == 0) & (down < _LARGEST)
        byte = np.where(carries, byte - 8, byte)
    if "from-256-as-448" in bug:
        byte = np.where((byte >= _OF_256) & (byte <= _LARGEST), _LARGEST, byte)
    return byte


def _truncated(base: Any) -> Any:
    """Return the E4M3 byte below base: of a float32 the exponent and three bits, or units of 2^-9."""
    mantissa, exponent = np.frexp(np.minimum(base, _F(448)))
    normal = (exponent + 6) * 8 + np.floor((mantissa * 2 - 1) * 8)
    subnormal = np.floor(base * _F(512))
    return np.where(base < _F(2.0**-6), subnormal, normal).astype(np.int32)


def read_scale(byte: Any, value: Any, base: Any, bug: frozenset[str]) -> tuple[Any, Any]:
    """Return what the scale counts as in the error, and for the elements."""
    if "subnormal-as-normal" in bug:
        low = (byte > 0) & (byte < _FIRST_NORMAL)
        value = np.where(low, _F(2.0**-7) * (1 + byte.astype(_F) / 8), value).astype(_F)
    if "half-scale" in bug:
        value = value * _F(0.5)
    if "int-scale" in bug:
        value = byte.astype(_F)
    return value, base if "unrounded" in bug else value


def offset(scales: Any, bug: frozenset[str]) -> Any:
    """Return the finished scale bytes, with a constant added."""
    added = sum(by for name, by in _ADDED.items() if name in bug)
    return (scales.astype(np.int32) + added).astype(np.uint8)
