"""An endless synthetic language of known entropy: a Markov chain of order three, in whole numbers.

P(d | a, b, c) is a whole number of 2^16ths: proportional to 2^(i(c, d) + j(b, d) + k((a + c) mod V, d)), i, j
and k drawn once, rounded down, at least 1, the rest to the likeliest. So the same words give the same tokens
on every machine, and the entropy of the next token is that of the table itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from fos_ref.formats.arrays import F64, I64, U32
from fos_ref.random.philox import philox4x32

ORDER = 3
UNIT = 1 << 16  #: probabilities are whole numbers of this part
_STRENGTHS = (7, 5, 3)  #: the exponents of each table are below this
_CLOSE = 1e-13  #: of two turns of the power iteration, summed over all contexts
_TURNS = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """A chain over V symbols."""

    symbols: int
    upper: U32  #: (V^3, V): the sum of the probabilities up to each symbol, in 2^16ths
    stationary: F64  #: (V^3,): of the context (a, b, c), a first
    entropy: float  #: of the next token, in nats

    def probabilities(self) -> F64:
        """Return P(d | a, b, c), (V^3, V): exact in float64."""
        return np.diff(self.upper.astype(np.float64), axis=1, prepend=0) / UNIT


def language(symbols: int, seed: int) -> Language:
    """Return the language of a seed.

    The stationary distribution is that of the power method in float64, until a turn moves less than 1e-13.
    """
    counts = _counts(symbols, seed)
    upper = np.cumsum(counts, axis=1).astype(np.uint32)
    p = counts / UNIT
    pi = _stationary(p, symbols)
    entropy = float(-(pi[:, None] * p * np.log(p)).sum())
    return Language(symbols, upper, pi, entropy)


def sample(language: Language, rows: int, length: int, seed: int, first: int = 0) -> I64:
    """Return sequences of tokens, (rows, length): row r is a function of the seed and of first + r.

    A sequence starts in a context drawn from the stationary distribution; its tokens are the first three.
    Rounding: none beyond the table's: a token is the number of upper ends that 16 random bits reach.
    """
    v = language.symbols
    ends = np.cumsum(language.stationary)
    start, noise = _noise(rows, length, seed, first)
    context = np.minimum(np.searchsorted(ends, start, side="right"), v**ORDER - 1)
    found = np.empty((rows, length), dtype=np.int64)
    for i in range(ORDER):
        found[:, i] = context // v ** (ORDER - 1 - i) % v
    flat = language.upper.ravel()
    for t in range(ORDER, length):
        found[:, t] = _next(flat, context * v, noise[:, t], v)
        context = context % v ** (ORDER - 1) * v + found[:, t]
    return found


def _next(upper: U32, start: I64, u: U32, v: int) -> I64:
    """Return how many of the V upper ends from `start` on are at most u, by halving: they rise."""
    low, step = np.zeros(len(start), dtype=np.int64), 1 << (v - 1).bit_length()
    while step:
        probe = low + step
        inside = probe <= v - 1
        reached = upper[start + np.minimum(probe, v) - 1] <= u
        low = np.where(inside & reached, probe, low)
        step //= 2
    return low


def _noise(rows: int, length: int, seed: int, first: int) -> tuple[F64, U32]:
    """Return a number in [0, 1) of each row for its first context, and 16 bits for each place."""
    blocks = -(-length // 8) + 1
    counter = np.zeros((rows, blocks, 4), dtype=np.uint32)
    counter[..., 0] = np.arange(blocks)
    counter[..., 1] = first + np.arange(rows)[:, None]
    words = philox4x32(counter, [seed, 0x1A26])
    start = words[:, 0, 0] * 2.0**-32 + words[:, 0, 1] * 2.0**-64
    halves = np.ascontiguousarray(words[:, 1:]).reshape(rows, -1)
    noise = np.stack([halves & 0xFFFF, halves >> 16], axis=-1).reshape(rows, -1)[:, :length]
    return start, noise.astype(np.uint32)


def _counts(v: int, seed: int) -> I64:
    """Return the probabilities in 2^16ths, (V^3, V): each at least 1, each row 2^16 together."""
    counter = np.zeros((ORDER, v, v, 4), dtype=np.uint32)
    counter[..., 0], counter[..., 1] = np.arange(v), np.arange(v)[:, None]
    counter[..., 2] = np.arange(ORDER)[:, None, None]
    drawn = philox4x32(counter, [seed, 0x7AB1E])[..., 0].astype(np.int64)
    i, j, k = (drawn[n] % most for n, most in enumerate(_STRENGTHS))
    a, b, c = (np.arange(v).reshape(shape) for shape in ((v, 1, 1), (1, v, 1), (1, 1, v)))
    weights = 1 << (i[c] + j[b] + k[(a + c) % v]).reshape(v**ORDER, v)
    counts = np.maximum(weights * (UNIT - v) // weights.sum(axis=1, keepdims=True), 1)
    likeliest = counts.argmax(axis=1)
    counts[np.arange(len(counts)), likeliest] += UNIT - counts.sum(axis=1)
    assert counts.min() >= 1
    return cast("I64", counts)


def _stationary(p: F64, v: int) -> F64:
    """Return the distribution of contexts that a step leaves as it is."""
    turned, pi = p.reshape(v, v, v, v), np.full((v, v, v), v**-3.0)
    for _ in range(_TURNS):
        after = np.einsum("abc,abcd->bcd", pi, turned)
        after /= after.sum()
        moved = np.abs(after - pi).sum()
        pi = after
        if moved < _CLOSE:
            break
    else:  # pragma: no cover -- every probability is positive, so the chain mixes
        msg = "the chain does not settle"
        raise AssertionError(msg)
    return cast("F64", pi.ravel())
