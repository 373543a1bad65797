"""A head that is built to show the leak: it predicts tokens that nobody can predict.

Tokens are drawn from 32 symbols, evenly and independently: no causal model has an expected loss below
ln 32 = 3.466 nats. The value of a token is its one-hot times 64 plus ones, and a query sees its own token
alone. So output i is the quantized value of token i. If a block of V lies along tokens, a channel whose
symbol stands anywhere in the block has a large scale, and the 1 of token i becomes 0 there: the output says
which symbols the block holds. A table of counts, made on half of the sequences, turns that into a loss on
the other half. A loss below ln 32 is a proof that outputs depend on tokens to come.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fos_ref.arguments import function, whole
from fos_ref.attention.schemes import SCHEMES
from fos_ref.errors import InputError
from fos_ref.foreign import foreign
from fos_ref.formats.arrays import F32, F64, I64

SYMBOLS = 32
ENTROPY = float(np.log(SYMBOLS))
_HIGH = np.float32(64)
_SHARP = np.float32(64)  #: of q and k: other tokens' weights are exactly 0
_BESIDE = 32  #: sequences that share a call, as channels
_CLASSES = 3  #: of a symbol: announced, seen in the block, neither
_LEAST = 1e-3  #: of a count, so that no symbol is impossible; it says how dear a wrong announcement is
_ANNOUNCED, _SEEN, _OTHER = range(_CLASSES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """The losses of the constructed head, in nats a token."""

    parallel: float  #: outputs of one call for all tokens
    autoregressive: float  #: output i of a call for tokens 0..i
    entropy: float  #: ln 32: what no causal function can expect to undercut
    by_position: tuple[float, ...]  #: parallel, by the position in a block
    error: float  #: standard error of `parallel`, over sequences

    @property
    def bits(self) -> float:
        """Return how many bits of a token the parallel outputs leak: (entropy - parallel) / ln 2."""
        return (self.entropy - self.parallel) / float(np.log(2))


def losses(
    head: str | Callable[..., Any],
    *,
    block: int = 16,
    tokens: int = 64,
    sequences: int = 256,
    seed: int = 0,
) -> Losses:
    """Return the losses of the constructed head under a scheme: below ln 32 is a proof of a leak.

    head:     a name of SCHEMES, or a function of q, k (T, T) and v (T, C)
    block:    tokens in a block, which the decoder knows
    tokens:   of a sequence, whole blocks
    sequences: how many; half of them fill the decoder's table. 32 at a time stand side by side as channels
              of v, so a scheme with an amax over v sees all of them
    seed:     of the tokens
    Decoder:  P(symbol) in proportion to a weight of its class at this position of the block: how often such a
              symbol was next, plus 0.001, over how many there were, plus one. Announced: 0 in this output,
              and not yet seen in the block. Seen: a token of the block so far. Other: the rest. The last
              position of a block knows nothing about the next one.
    Raises:   InputError for an unknown name, numbers that do not fit, and what the function raises.
    Source:   docs/leak.md.
    """
    f = _function(head)
    size = whole(block, "block", 2, 128)
    length = whole(tokens, "tokens", size, 1024)
    count = whole(sequences, "sequences", 4)
    if length % size:
        msg = f"tokens {length}: a multiple of {size} is allowed"
        raise InputError(msg)
    drawn = np.random.default_rng(seed).integers(0, SYMBOLS, (count, length), dtype=np.int64)
    half = count // 2
    table = _table(_called(f, drawn[:half]), drawn[:half], size)
    rest = drawn[half:]
    together = _loss(table, _called(f, rest), rest, size)
    alone = _loss(table, _one_by_one(f, rest), rest, size)
    each = together.mean(axis=1)
    positions = np.arange(length - 1) % size
    return Losses(
        parallel=float(each.mean()),
        autoregressive=float(alone.mean()),
        entropy=ENTROPY,
        by_position=tuple(float(together[:, positions == p].mean()) for p in range(min(size, length - 1))),
        error=float(each.std() / np.sqrt(len(each))),
    )


def _function(head: str | Callable[..., Any]) -> Callable[..., Any]:
    if isinstance(head, str):
        if head not in SCHEMES:
            msg = f"head {head!r}: one of {', '.join(SCHEMES)}, or a function, is allowed"
            raise InputError(msg)
        return SCHEMES[head]
    function(head, "head")
    return head


def values(drawn: I64) -> F32:
    """Return v (T, n*32) of tokens (n, T): one-hot times 64 plus ones, sequences beside each other."""
    hot = np.eye(SYMBOLS, dtype=np.float32)[drawn] * _HIGH + np.float32(1)
    return np.ascontiguousarray(hot.transpose(1, 0, 2).reshape(drawn.shape[1], -1))


def _called(f: Callable[..., Any], drawn: I64) -> F32:
    """Return the outputs (n, T, 32) of calls for all tokens."""
    parts = [drawn[i : i + _BESIDE] for i in range(0, len(drawn), _BESIDE)]
    return np.concatenate([_outputs(f, p) for p in parts])


def _one_by_one(f: Callable[..., Any], drawn: I64) -> F32:
    """Return the outputs (n, T, 32), each the last of a call for the tokens up to it."""
    rows = [_called(f, drawn[:, : t + 1])[:, t] for t in range(drawn.shape[1])]
    return np.stack(rows, axis=1)


def _outputs(f: Callable[..., Any], drawn: I64) -> F32:
    count, length = drawn.shape
    own = np.eye(length, dtype=np.float32) * _SHARP
    with foreign("head", "a function of q, k and v that gives an array is allowed"):
        out = np.asarray(f(own, own.copy(), values(drawn)), dtype=np.float32)
        return out.reshape(length, count, SYMBOLS).transpose(1, 0, 2)


def _classes(out: F32, drawn: I64, block: int) -> I64:
    """Return the class of every symbol at every position (n, T, 32), from outputs up to it."""
    count, length = drawn.shape
    token = np.argmax(out, axis=2)
    found = np.full((count, length, SYMBOLS), _OTHER, dtype=np.int64)
    seen = np.zeros((count, SYMBOLS), dtype=np.bool_)
    for t in range(length):
        if t % block == 0:
            seen[:] = False
        seen[np.arange(count), token[:, t]] = True
        found[:, t][(out[:, t] == 0) & ~seen] = _ANNOUNCED
        found[:, t][seen] = _SEEN
    return found


def _table(out: F32, drawn: I64, block: int) -> F64:
    """Return the weight of a class (block, 3): how often such a symbol was next, over how many there were."""
    found = _classes(out, drawn, block)[:, :-1]
    follows = np.take_along_axis(found, drawn[:, 1:, None], axis=2)[..., 0]
    positions = np.arange(drawn.shape[1] - 1) % block
    table = np.zeros((block, _CLASSES))
    for p in range(block):
        at = positions == p
        for c in range(_CLASSES):
            table[p, c] = (np.sum(follows[:, at] == c) + _LEAST) / (np.sum(found[:, at] == c) + 1)
    return table


def _loss(table: F64, out: F32, drawn: I64, block: int) -> F64:
    """Return -ln P of every token but the first (n, T-1)."""
    found = _classes(out, drawn, block)[:, :-1]
    positions = np.arange(drawn.shape[1] - 1) % block
    weights = table[positions[None, :, None], found]
    taken = np.take_along_axis(weights, drawn[:, 1:, None], axis=2)[..., 0]
    lost: F64 = np.log(weights.sum(axis=2) / taken)
    return lost
