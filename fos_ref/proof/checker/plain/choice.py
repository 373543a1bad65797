"""The plain quantizer's error of a candidate, its sum, and which candidate is kept, with their mistakes."""

from __future__ import annotations

from typing import Any

import numpy as np

from fos_ref.proof.checker.plain.floats import ftz

_F = np.float32
_FUSED = {"fma", "fma-halves", "fma-four-accumulators"}


def error(x: Any, qs: tuple[Any, Any], t: tuple[Any, ...], metric: str, bug: frozenset[str]) -> Any:
    """Return the error (T, B) of codes worth q (T, B, 16) under scales s; t is C, A, S and D."""
    q, s = qs[0], qs[1][..., None]
    c = t[0]
    a, enc, dec = (v[..., None] for v in t[1:])
    if "scaled-domain" in bug:
        d = q * s - x * enc
    elif "decode-domain" in bug:
        d = (q * s) * dec - x
    elif "reciprocal-error" in bug:
        d = ((q * s) * a) * (_F(1) / c) - x
    else:
        d = ((q * s) * a) / c - x
    d = ftz(d) if bug & {"ftz", "ftz-error"} else d
    metric = next((m for m in ("mse", "mae", "absmax") if f"metric-{m}" in bug), metric)
    if bug & _FUSED and metric == "mse":
        return _fused_sum(d, bug)
    terms = np.abs(d) if metric in ("mae", "absmax") else d * d
    terms = ftz(terms) if bug & {"ftz", "ftz-error"} else terms
    return _sum(terms, bug) if metric != "absmax" else terms.max(axis=2)


def prefers_four(four: Any, six: Any, bug: frozenset[str]) -> Any:
    """Return where map-to-4 is kept."""
    if "always-six" in bug:
        return np.zeros(six.shape, dtype=bool)
    if "always-four" in bug:
        return np.ones(six.shape, dtype=bool)
    return four <= six if "four-wins-ties" in bug else four < six


def _fused_sum(d: Any, bug: frozenset[str]) -> Any:
    if "fma-halves" in bug:
        return _fused(d[..., :8]) + _fused(d[..., 8:])
    if "fma-four-accumulators" in bug:
        return _loop(np.stack([_fused(d[..., k::4]) for k in range(4)], axis=-1))
    return _fused(d)


def _sum(t: Any, bug: frozenset[str]) -> Any:
    if "order-numpy" in bug:
        return np.ascontiguousarray(t).sum(axis=2, dtype=_F)
    if "order-reversed" in bug:
        t = t[..., ::-1]
    if "order-threads" in bug:
        halves = [_loop(t[..., :8]), _loop(t[..., 8:])]
        return halves[0] + halves[1]
    if "order-shuffle" in bug:
        for lane in (8, 4, 2, 1):
            t = t[..., :lane] + t[..., lane : 2 * lane]
        return t[..., 0]
    if "order-four-accumulators" in bug:
        return _loop(np.stack([_loop(t[..., k::4]) for k in range(4)], axis=-1))
    return _loop(t)


def _loop(t: Any) -> Any:
    total = np.zeros(t.shape[:-1], dtype=_F)
    for i in range(t.shape[-1]):
        total += t[..., i]
    return total


def _fused(d: Any) -> Any:
    """Return the sum of squares with one rounding a step: a long double nearly always holds the exact sum."""
    total = np.zeros(d.shape[:-1], dtype=_F)
    for i in range(d.shape[-1]):
        wide = d[..., i].astype(np.longdouble)
        total = (wide * wide + total).astype(_F)
    return total
