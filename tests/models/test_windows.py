"""Windows of both conventions, by hand: which token is scored after which."""

from __future__ import annotations

import numpy as np
import pytest

from fos_ref.errors import InputError
from fos_ref.models.windows import disjoint, offsets, rolling


def scored(windows):
    """Return (token read last, token scored) of every scored place."""
    return [(int(a), int(b)) for w in windows for a, b in zip(w.tokens, w.targets, strict=True) if b >= 0]


def test_disjoint_windows_leave_their_first_token_and_the_rest_out():
    made = disjoint(list(range(10, 21)), 4)
    assert [w.tokens.tolist() for w in made] == [[10, 11, 12, 13], [14, 15, 16, 17]]
    assert scored(made) == [(10, 11), (11, 12), (12, 13), (14, 15), (15, 16), (16, 17)]
    assert offsets(made).tolist() == [0, 3, 6]


@pytest.mark.parametrize("length", [2, 3, 4, 7, 100])
def test_rolling_windows_score_each_token_once_after_the_one_before_it(length):
    documents = [list(range(10, 17)), [30], list(range(40, 44))]
    made = rolling(documents, length, 1)
    wanted = [pair for d in documents for pair in zip([1, *d], d, strict=False)]
    assert scored(made) == wanted
    assert all(len(w.tokens) == length for w in made if w.tokens[0] != 1 and 10 <= w.tokens[-1] < 17)
    assert max(len(w.tokens) for w in made) <= length


def test_the_last_window_is_extended_to_the_left():
    last = rolling([list(range(10, 17))], 4, 1)[-1]
    assert last.tokens.tolist() == [12, 13, 14, 15]
    assert last.targets.tolist() == [-1, 14, 15, 16]
    assert last.scored == 3


def test_what_is_too_short_is_refused():
    for call in (lambda: disjoint([1, 2], 3), lambda: rolling([[]], 3, 1), lambda: disjoint([1, 2], 1)):
        with pytest.raises(InputError, match="allowed"):
            call()
    assert offsets(rolling([[5, 6]], 4, 1)).dtype == np.int64
