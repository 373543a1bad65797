"""Perplexities by name, from negative log-likelihoods in nats. They differ by factors: say which one it is.

token: exp of the mean over the scored tokens. It depends on the tokenizer and on what is not scored.
word:  lm-eval's `word_perplexity`: exp of the sum over the words of the original, all documents together.
byte:  lm-eval's `byte_perplexity`: the same over its bytes in UTF-8; `bits_per_byte` is its logarithm.
Word and byte perplexity need every token scored: the convention `rolling` of fos_ref/models/windows.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from fos_ref.errors import InputError
from fos_ref.formats.arrays import AnyArray
from fos_ref.models.text import words


def token_perplexity(nll: AnyArray) -> float:
    """Return exp(sum of nll / number of tokens). Sums are float64, in NumPy's order.

    Raises: InputError where there is no token.
    """
    return _exp(_total(nll), nll.size, "tokens")


def word_perplexity(nll: AnyArray, documents: Sequence[str]) -> float:
    """Return exp(sum of nll / words), words as `fos_ref.models.text.words` counts them in each document."""
    return _exp(_total(nll), sum(map(words, documents)), "words")


def byte_perplexity(nll: AnyArray, documents: Sequence[str]) -> float:
    """Return exp(sum of nll / bytes), the bytes of the documents in UTF-8."""
    return _exp(_total(nll), sum(len(d.encode()) for d in documents), "bytes")


def bits_per_byte(nll: AnyArray, documents: Sequence[str]) -> float:
    """Return sum of nll / bytes / log 2."""
    return math.log2(byte_perplexity(nll, documents))


def _total(nll: AnyArray) -> float:
    return float(np.sum(nll, dtype=np.float64))


def _exp(total: float, count: int, what: str) -> float:
    if not count:
        msg = f"a perplexity over no {what}: at least one is allowed"
        raise InputError(msg)
    return exp(total / count)


def exp(mean: float) -> float:
    """Return the perplexity of a mean loss in nats; infinity above what float64 has, NaN of a NaN."""
    return math.inf if mean >= math.log(float(np.finfo(np.float64).max)) else math.exp(mean)
