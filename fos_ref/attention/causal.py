"""Causal attention in float32 whose sums have one order, so that no shape and no library moves a bit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fos_ref.formats.arrays import F32

#: (q, k, v) (T, d) each -> the same, prepared: quantized and dequantized, smoothed, ...
Prepare = Callable[[F32, F32, F32], tuple[F32, F32, F32]]
#: The weights P (T, T) -> P, quantized and dequantized
Weights = Callable[[F32], F32]


def attention(
    q: F32,
    k: F32,
    v: F32,
    prepare: Prepare | None = None,
    fixed: F32 | None = None,
    *,
    correction: F32 | None = None,
    weights: Weights | None = None,
) -> F32:
    """Return softmax(q k^T / sqrt(d)) v under a causal mask: row i sees tokens 0..i and nothing else.

    prepare:    what is done to q, k and v before, over all tokens
    fixed:      (T, T, d) in place of v: the values that row i sees, where they depend on i (a mended block)
    correction: (T, T), added to q k^T before the factor: what a smoothing of q took away
    weights:    what is done to the weights before they meet v: P = exp(score - largest of the row), 0 where
                masked. Their sum is taken before
    Shapes:     (T, d) each, v (T, dv) -> (T, dv)
    Dtypes:     float32 -> float32
    Rounding:   float32; an exponential is that of float64, rounded once. Scores are sums over d in order,
                outputs sums over tokens in order; a token that row i does not see counts as +0 in every sum,
                whatever it holds.
    Specials:   NaN and infinity as they come.
    Raises:     NumPy's own errors for shapes that do not fit; `leaks` checks what a user hands in.
    """
    if prepare is not None:
        q, k, v = prepare(q, k, v)
    tokens = np.arange(len(q))
    seen = tokens[None, :] <= tokens[:, None]
    with np.errstate(all="ignore"):
        p = _weights(q, k, seen, correction)
        total = np.zeros((len(q), 1), dtype=np.float32)
        for j in range(len(k)):
            total = total + p[:, j, None]
        p = p if weights is None else weights(p)
        out = np.zeros((len(q), v.shape[-1]), dtype=np.float32)
        for j in range(len(k)):
            line = v[j][None] if fixed is None else fixed[:, j]
            out = out + np.where(seen[:, j, None], p[:, j, None] * line, np.float32(0))
        return out / total


def _weights(q: F32, k: F32, seen: np.ndarray, correction: F32 | None) -> F32:
    """Return P (T, T): exp of the scores less the largest of their row."""
    scores = np.zeros((len(q), len(k)), dtype=np.float32)
    for c in range(q.shape[1]):
        scores = scores + q[:, c, None] * k[None, :, c]
    if correction is not None:
        scores = scores + correction
    scores = np.where(seen, scores * (np.float32(1) / np.sqrt(np.float32(q.shape[1]))), -np.inf)
    below = scores - scores.max(axis=1, keepdims=True, initial=-np.inf)
    p: F32 = np.exp(below.astype(np.float64)).astype(np.float32)  # float32's own exp differs by machine
    return p
