"""Which tokens are scored after which: the two conventions of the field, as lists of windows.

windows: a text is tokenized once and cut into disjoint windows; the first token of each is not scored. So do
         GPTQ, FP-Quant and most papers on INT4.
rolling: every token is scored once, each document by itself, the first after a prefix token. So does lm-eval
         with context_len 1: its word and byte perplexity need every token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fos_ref.errors import InputError
from fos_ref.formats.arrays import AnyArray

CONVENTIONS = ("windows", "rolling")
LEAST = 2  #: tokens of a window


@dataclass(frozen=True)
class Window:
    """One call of the model.

    tokens:  int64 (T,), what it reads
    targets: int64 (T,), what comes after each; -1 where that is not scored
    """

    tokens: AnyArray
    targets: AnyArray

    @property
    def scored(self) -> int:
        """How many tokens it scores."""
        return int(np.count_nonzero(self.targets >= 0))


def disjoint(ids: Sequence[int], length: int) -> list[Window]:
    """Return disjoint windows of `length` tokens; the rest at the end is left out, as GPTQ's code does.

    Raises: InputError where the text has fewer tokens than one window.
    """
    _check(length)
    count = len(ids) // length
    if not count:
        msg = f"a text of {len(ids):,} tokens: at least one window of {length:,} is allowed"
        raise InputError(msg)
    whole = np.asarray(ids[: count * length], dtype=np.int64).reshape(count, length)
    end = np.full((count, 1), -1, dtype=np.int64)
    after = np.concatenate([whole[:, 1:], end], axis=1)
    return [Window(t, n) for t, n in zip(whole, after, strict=True)]


def rolling(documents: Sequence[Sequence[int]], length: int, prefix: int) -> list[Window]:
    """Return windows in which every token of every document is scored once.

    A document's first window reads `prefix` and then `length` - 1 tokens; each later one begins with the last
    token of the window before. The last is extended to the left, so that it has `length` tokens if the
    document has them; what was scored before is not scored again.
    """
    _check(length)
    found = []
    for ids in documents:
        line = np.asarray([prefix, *ids], dtype=np.int64)
        for start in range(0, len(ids), length):
            stop = min(start + length, len(ids))
            begin = max(stop - length, 0)
            targets = line[begin + 1 : stop + 1].copy()
            targets[: start - begin] = -1
            found.append(Window(line[begin:stop], targets))
    if not found:
        msg = "a text without a token: at least one is allowed"
        raise InputError(msg)
    return found


def _check(length: int) -> None:
    if length < LEAST:
        msg = f"a window of {length} tokens: {LEAST} or more are allowed"
        raise InputError(msg)


def offsets(windows: Sequence[Window]) -> AnyArray:
    """Return int64 (W + 1,): window w has the scored tokens offsets[w] to offsets[w + 1] of the run."""
    return np.concatenate([[0], np.cumsum([w.scored for w in windows])]).astype(np.int64)
