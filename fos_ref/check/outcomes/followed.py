"""Bytes that follow another tensor scale than the recipe's, not to the last bit: requantized ones, say."""

from __future__ import annotations

import numpy as np

from fos_ref.check.bench import Case, Hypothesis
from fos_ref.check.evidence.codes import nearest_codes
from fos_ref.check.evidence.suspects import Suspects
from fos_ref.check.evidence.tensor_scale import bounds
from fos_ref.check.explanation import Explanation
from fos_ref.check.outcomes.outcome import Outcome
from fos_ref.formats.arrays import Bool
from fos_ref.recipes.recipe import Recipe

FLAG = "TensorScale"
_LEAST = 0.5  #: of the differing blocks
_LEAST_CODES = 0.9  #: that are the nearest under it
_SAMPLE = 1 << 14  #: blocks of which codes are judged


def follows_another_scale(c: Case, r: Recipe, found: Suspects) -> Explanation | None:
    """Return the blocks whose scale byte another tensor scale gives, where codes go with the stored bytes.

    None where the bytes follow the recipe's own tensor scale, or where such blocks or codes are too few.
    """
    if not found.other or found.solved is None or not found.flaws:
        return None
    index = np.flatnonzero(c.differing)
    b = bounds(c, r, index, found.solved.rounding)
    assert b is not None
    blocks: Bool = np.zeros(c.source.size, dtype=np.bool_)
    blocks[b.index[b.allow(found.solved.middle)]] = True
    right, known = nearest_codes(c, r, index[:: max(1, len(index) // _SAMPLE)], found.flaws[:1])
    if np.count_nonzero(blocks) < _LEAST * len(index) or right[known].mean() < _LEAST_CODES:
        return None
    outcome = Outcome(FLAG, found.flaws[0].what, blocks)
    return Explanation(Hypothesis(c), ~c.differing, judged=outcome)
