"""The plain quantizer's codes of scaled values, with their mistakes."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

_F, _BF16 = np.float32, ml_dtypes.bfloat16
_STEPS = np.array([0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0], dtype=np.float32)
_GRID = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], dtype=np.float32)
_SIX, _SEVEN, _MINUS_ZERO = 6, 7, 8


def code_of(y: Any, *, signed: bool, bug: frozenset[str]) -> tuple[Any, Any]:
    """Return (codes, values) of scaled values y; `signed`: a scaled -0 gives code 8."""
    if "via-bf16" in bug:
        y = y.astype(_BF16).astype(_F)
    if "via-fp16" in bug:
        y = y.astype(np.float16).astype(_F)
    m = _cut(y, bug)
    index = _index(m, bug)
    q = _GRID[index]
    if "unsaturated" in bug:
        beyond = np.rint(m / _F(2)) * _F(2)
        q = np.where(m > _SEVEN, beyond, q).astype(_F)
        index = np.where(q > _SIX, np.minimum(beyond / 2 + 4, 2.0**31 - 1).astype(np.int64), index)
    negative = np.signbit(y) if signed != ("zero-sign" in bug) else y < 0
    code = (index | np.where(negative, 8, 0)) & 15
    if "no-negative-zero" in bug:
        code = np.where((code == _MINUS_ZERO) & (index == 0), 0, code)
    return _with_sign(code, bug), np.copysign(q, y)


def _index(m: Any, bug: frozenset[str]) -> Any:
    """Return which of the eight magnitudes m becomes."""
    if "stochastic" in bug:
        low = np.clip(np.searchsorted(_GRID, m, side="right") - 1, 0, 6)
        drawn = np.random.default_rng(1).random(m.shape)
        share = (np.minimum(m, _F(6)) - _GRID[low]) / (_GRID[low + 1] - _GRID[low])
        return low + (drawn < share)
    if "ties-away" in bug:
        return np.searchsorted(_STEPS, m, side="right")
    if "ties-to-zero" in bug:
        return np.searchsorted(_STEPS, m, side="left")
    low, high = (np.searchsorted(_STEPS, m, side=side) for side in ("left", "right"))
    return np.where(low == high, low, (low + 1) // 2 * 2)  # an odd and an even code: the even one


def _cut(y: Any, bug: frozenset[str]) -> Any:
    """Return the magnitudes that are rounded to E2M1: those of y, or cut first."""
    m = np.abs(y)
    if "truncated" in bug:
        step = np.where(m < 2, _F(0.5), np.where(m < 4, _F(1), _F(2)))  # noqa: PLR2004 -- the grid
        return np.minimum(np.trunc(m / step) * step, _F(6))
    return np.trunc(m * 2) / 2 if "cut-to-halves" in bug else m


def _with_sign(code: Any, bug: frozenset[str]) -> Any:
    """Return the codes with their signs, without, or turned."""
    if "unsigned" in bug:
        return code % 8
    if "sign-turned" in bug:
        return (code + 8) % 16
    return np.where(code % 8 == 0, code, (code + 8) % 16) if "sign-turned-but-zero" in bug else code
