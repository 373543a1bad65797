"""Windows and perplexities beside lm-eval's own functions, on the same tokens and losses."""

from __future__ import annotations

import re

import numpy as np
import pytest

from fos_ref.models.perplexity import bits_per_byte, byte_perplexity, word_perplexity
from fos_ref.models.windows import rolling

pytestmark = pytest.mark.peer
utils = pytest.importorskip("lm_eval.utils", reason="pip install lm-eval")
metrics = pytest.importorskip("lm_eval.api.metrics", reason="pip install lm-eval")


@pytest.mark.parametrize("length", [2, 5, 16, 64])
@pytest.mark.parametrize("tokens", [1, 5, 16, 17, 63, 200])
def test_rolling_windows_are_lm_eval_s(length, tokens):
    ids = np.random.default_rng(tokens).integers(2, 99, tokens).tolist()
    theirs = utils.get_rolling_token_windows(ids, prefix_token=1, max_seq_len=length, context_len=1)
    wanted = [(context + after, after) for context, after in map(utils.make_disjoint_window, theirs)]
    made = [
        ([*w.tokens.tolist(), int(w.targets[-1])], [int(t) for t in w.targets if t >= 0])
        for w in rolling([ids], length, 1)
    ]
    assert made == wanted


def test_perplexities_are_lm_eval_s():
    documents = [" = Title = \n A naïve  text,\n", "of two\tdocuments", "x"]
    nll = np.random.default_rng(2).exponential(2.5, 40).astype(np.float32)
    parts = np.split(nll.astype(np.float64), [17, 39])
    in_words = [len(re.split(r"\s+", d)) for d in documents]
    in_bytes = [len(d.encode("utf-8")) for d in documents]
    for own, theirs, weights in (
        (word_perplexity, metrics.weighted_perplexity, in_words),
        (byte_perplexity, metrics.weighted_perplexity, in_bytes),
        (bits_per_byte, metrics.bits_per_byte, in_bytes),
    ):
        items = [(-float(p.sum()), w) for p, w in zip(parts, weights, strict=True)]
        assert abs(own(nll, documents) / theirs(items) - 1) < 1e-12
