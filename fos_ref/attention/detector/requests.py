"""Which requests of a batch depend on another: a scale over a whole cache is made of strangers' tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fos_ref.attention.detector.subject import bits, determined, subject
from fos_ref.errors import ShapeError
from fos_ref.formats.arrays import AnyArray, Bool

_SEED = 2027
_AXES = 3  #: requests, tokens, channels


def crosstalk(f: Callable[..., Any], q: Any, k: Any = None, v: Any = None) -> Bool:
    """Return (B, B): True at (a, b), a != b, where the output of request a depends on the tokens of b.

    Shapes:   q, k, v (B, ..., T, d); f gives (B, ..., T, dv)
    Method:   all tokens of request b are multiplied by 64, set to 0 and drawn anew; the bits of the outputs
              of the others are compared with those of the unchanged call.
    Raises:   as `leaks`; ShapeError for arrays without an axis of requests.
    """
    s = subject(f, q, k, v)
    base = determined(s)
    batch = base.shape[0]
    shapes = [x.shape for x in (*s.given.values(), base)]
    if any(len(shape) < _AXES or shape[0] != batch for shape in shapes):
        msg = f"arrays and an output of {shapes}: (requests, ..., tokens, d) with one number is allowed"
        raise ShapeError(msg)
    found = np.zeros((batch, batch), dtype=np.bool_)
    for b in range(batch):
        for name, x in s.given.items():
            for new in _requests(x[b], b):
                changed = x.copy()
                changed[b] = new
                found[:, b] |= _apart(base, s.call({name: changed}))
    np.fill_diagonal(found, val=False)
    return found


def _requests(x: AnyArray, b: int) -> list[AnyArray]:
    """Return other tokens for a request."""
    drawn = np.random.default_rng([_SEED, b]).normal(size=x.shape)
    with np.errstate(over="ignore"):
        return [
            (x.astype(np.float32) * np.float32(64)).astype(x.dtype),
            np.zeros_like(x),
            drawn.astype(x.dtype),
        ]


def _apart(x: AnyArray, y: AnyArray) -> Bool:
    """Return (B,): where any bit of a request's output differs."""
    one, two = (bits(a.reshape(len(a), -1)) for a in (x, y))
    apart: Bool = np.any(one != two, axis=1)
    return apart
