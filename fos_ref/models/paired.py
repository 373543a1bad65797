"""Differences between two arms on the same tokens, with an interval that says what it is an interval of.

Text: tokens that stand together share their luck, so they are summed in chunks. Draws: the rounding of the
weights is one draw of many. The mean difference over D draws and C chunks has the standard error

    se^2 = s_draws^2 / D + s_chunks^2 / C

s_draws is the deviation of the draws' means (over all text), s_chunks that of the chunks' means (over all
draws). What varies in both counts twice, so the interval is rather too wide. With one draw the first term is
not known: the interval then speaks of this text and of this one rounding, of no dialect.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from scipy import stats

from fos_ref.errors import InputError
from fos_ref.formats.arrays import AnyArray

CONFIDENCE = 0.95
CHUNK = 64  #: tokens of a chunk, where there are too few windows
FEW = 30  #: windows from which on a window is a chunk
_MATRIX = 2


@dataclass(frozen=True)
class Difference:
    """A mean difference of negative log-likelihoods per token, in nats.

    mean:   of a minus b: below 0 a is better
    se:     its standard error
    half:   half of the interval
    draws:  D, 1 where the spread of the rounding is not known
    chunks: C
    """

    mean: float
    se: float
    half: float
    draws: int
    chunks: int

    @property
    def resolved(self) -> bool:
        """Whether the interval leaves 0 out."""
        return abs(self.mean) > self.half


def chunks(offsets: AnyArray, size: int = CHUNK, few: int = FEW) -> AnyArray:
    """Return the bounds (C + 1,) of the chunks: the windows, or pieces of `size` tokens of too few of them.

    offsets: int64 (W + 1,), of the windows among the scored tokens
    """
    if len(offsets) > few:
        return offsets
    parts = [
        np.linspace(a, b, max(round((b - a) / size), 1) + 1).round().astype(np.int64)
        for a, b in pairwise(offsets)
    ]
    return np.unique(np.concatenate(parts))


def sums(nll: AnyArray, bounds: AnyArray) -> AnyArray:
    """Return the float64 sums (..., C) of tokens (..., N) in chunks."""
    return np.add.reduceat(np.asarray(nll, dtype=np.float64), bounds[:-1], axis=-1)


def difference(a: AnyArray, b: AnyArray, counts: AnyArray, confidence: float = CONFIDENCE) -> Difference:
    """Return the difference of a minus b.

    a, b:   sums (D, C) of each draw and chunk; one of them may have one draw: the baseline
    counts: tokens (C,) of each chunk
    Raises: InputError for other shapes, and for fewer than two chunks.
    """
    fits = a.ndim == b.ndim == _MATRIX and a.shape[1:] == b.shape[1:]
    if not fits or {len(a), len(b)} - {1, max(len(a), len(b))}:
        msg = f"sums of shapes {a.shape} and {b.shape}: (draws, chunks) of one size, or one draw, are allowed"
        raise InputError(msg)
    if len(counts) < 2:  # noqa: PLR2004 -- a spread needs two
        msg = f"{len(counts)} chunk of text: two or more are allowed"
        raise InputError(msg)
    d, total = a - b, float(counts.sum())
    each = d.sum(axis=1) / total
    mean = float(each.mean())
    of_chunks = _chunk_variance(d.mean(axis=0), counts, mean)
    of_draws = float(each.var(ddof=1)) / len(each) if len(each) > 1 else 0.0
    variance = of_chunks + of_draws
    half = _quantile(of_draws, len(each), of_chunks, len(counts), confidence) * math.sqrt(variance)
    return Difference(mean, math.sqrt(variance), half, len(each), len(counts))


def _chunk_variance(d: AnyArray, counts: AnyArray, mean: float) -> float:
    """Return the variance of the mean from the chunks' sums: that of a ratio, chunks may differ in size."""
    residual, n = d - mean * counts, len(counts)
    return float(np.square(residual).sum()) * n / (n - 1) / float(counts.sum()) ** 2


def _quantile(of_draws: float, draws: int, of_chunks: float, chunks: int, confidence: float) -> float:
    """Return Student's t with Welch and Satterthwaite's degrees of freedom."""
    both = of_draws + of_chunks
    if not both:
        return 0.0
    parts = of_chunks**2 / (chunks - 1) + (of_draws**2 / (draws - 1) if draws > 1 else 0.0)
    return float(stats.t.ppf((1 + confidence) / 2, both**2 / parts))


def order(arms: dict[str, AnyArray], counts: AnyArray) -> dict[tuple[str, str], Difference]:
    """Return the difference of every pair, the better first, each interval at 95 % for all pairs together.

    The confidence of one is 1 - 0.05 / pairs (Bonferroni). A pair that is not `resolved` cannot be ordered.
    """
    pairs = list(combinations(arms, 2))
    confidence = 1 - (1 - CONFIDENCE) / max(len(pairs), 1)
    found = {}
    for one, other in pairs:
        made = difference(arms[one], arms[other], counts, confidence)
        if made.mean > 0:
            found[other, one] = difference(arms[other], arms[one], counts, confidence)
        else:
            found[one, other] = made
    return found
