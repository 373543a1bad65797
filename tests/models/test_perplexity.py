"""Perplexities by the formulas of the field, written out again with Python's own numbers."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from fos_ref.errors import InputError
from fos_ref.models.perplexity import bits_per_byte, byte_perplexity, token_perplexity, word_perplexity
from fos_ref.models.text import words

NLL = np.array([0.5, 2.25, 0.0, 1.75, 3.5], dtype=np.float32)  # sums are exact
DOCUMENTS = (" A naïve  text,\n", "of two\tdocuments")


def test_token_perplexity_is_exp_of_the_mean():
    assert token_perplexity(NLL) == math.exp(8.0 / 5)


def test_words_are_the_parts_between_white_space_the_empty_ones_too():
    assert words(DOCUMENTS[0]) == 5 == len(re.split(r"\s+", DOCUMENTS[0]))
    assert words(DOCUMENTS[1]) == 3


def test_word_and_byte_perplexity_are_micro_averages():
    """lm-eval: weighted_perplexity = exp(-sum(loglik) / sum(weight)); bits_per_byte = ... / log(2)."""
    loglik, count = [-float(v) for v in NLL], sum(len(d.encode("utf-8")) for d in DOCUMENTS)
    assert count == 17 + 16
    assert word_perplexity(NLL, DOCUMENTS) == math.exp(-sum(loglik) / 8)
    assert byte_perplexity(NLL, DOCUMENTS) == math.exp(-sum(loglik) / count)
    assert bits_per_byte(NLL, DOCUMENTS) == math.log2(math.exp(8.0 / count))


def test_no_token_and_a_loss_beyond_float64():
    with pytest.raises(InputError, match="at least one"):
        token_perplexity(NLL[:0])
    assert token_perplexity(np.float32([1000.0])) == math.inf
    assert math.isnan(token_perplexity(np.float32([1.0, np.nan])))
