"""Rows of `assert_causal`: a function, its arrays, and the tokens that are changed."""

from __future__ import annotations

import sys
from itertools import count
from typing import Any

import numpy as np

from fos_ref.verify import assert_causal
from tests.doors.calls.values import NO_ARRAY, NO_CHOICE, NO_INPUT, without, X
from tests.doors.row import wrong

_CALLS = count()


def same(x: Any) -> Any:
    """Return x: causal."""
    return x


def third(_q: Any, _k: Any, v: Any) -> Any:
    """Return v: causal."""
    return v


def raises(_x: Any) -> Any:
    """Raise an error of two lines."""
    msg = "first\nsecond\x1b]0;pwn\x07"
    raise KeyError(msg)


def restless(x: Any) -> Any:
    """Return another array at each call."""
    return x + np.float32(next(_CALLS))


_NO_FUNCTION: dict[str, Any] = {
    **NO_ARRAY,
    "one that raises": raises,
    "one that exits": lambda _: sys.exit(0),
    "one that gives nothing": lambda _: None,
    "one of three arrays": third,
    "one that gives a sum": np.sum,
    "one that gives fewer tokens": lambda x: x[1:],
    "one that gives whole numbers": lambda x: x.astype(np.int32),
    "one that gives other bits each time": restless,
}
#: A row of 17 channels is as good as any other.
_NO_TOKENS: dict[str, Any] = {
    **without(NO_INPUT, "columns of 17"),
    "no tokens": X[:0],
    "no channels": X[:, :0],
}
_OTHERS: dict[str, Any] = {**_NO_TOKENS, "another number of tokens": X[:5]}
_NO_PLACES: dict[str, Any] = {
    **without(NO_CHOICE, "None"),
    "an empty list": [],
    "beyond the last": [32],
    "negative": [-1],
    "a whole float": [1.0],
    "booleans": [True],
    "texts": ["1"],
    "a huge number": [10**5000],
}
ROWS = [
    *wrong("assert_causal", assert_causal, "f", _NO_FUNCTION, q=X),
    *wrong("assert_causal", assert_causal, "q", _NO_TOKENS, same),
    *wrong("assert_causal", assert_causal, "k", _OTHERS, third, X, v=X),
    *wrong("assert_causal", assert_causal, "v", _OTHERS, third, X, X),
    *wrong("assert_causal", assert_causal, "tokens", _NO_PLACES, same, X),
]
