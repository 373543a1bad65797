"""How much of a later token an earlier output holds: the values that it takes while the token sweeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fos_ref.arguments import one_of, whole
from fos_ref.attention.detector.subject import determined, rows, Subject, subject, with_token
from fos_ref.errors import InputError

MAGNITUDES = 400
_OCTAVES = 8.0  #: the sweep goes from 2^-8 to 2^8 times the token


def capacity(
    f: Callable[..., Any],
    q: Any,
    k: Any = None,
    v: Any = None,
    *,
    row: int,
    token: int,
    tensor: str = "v",
    sweep: int = MAGNITUDES,
) -> int:
    """Return how many values output `row` takes while one later token sweeps; 1 where nothing leaks.

    row, token: the output i and the token j, i < j
    tensor:   whose token is swept: "q", "k", "v", or "x" for a function of one array
    sweep:    how many magnitudes: the token times 2^-8 to 2^8, in equal steps of the exponent
    Returns:  the number of rows that differ in a bit. log2 of it is a lower bound of what one row can be
              told, in bits: other directions of the token, and other tokens, are not swept.
    Raises:   as `leaks` does; InputError for row >= token.
    """
    s = subject(f, q, k, v)
    name = one_of(tensor, s.given, "tensor")
    j = whole(token, "token", most=s.length - 1)
    i = whole(row, "row", most=s.length - 1)
    if i >= j:
        msg = f"row {i} and token {j}: a later token is allowed"
        raise InputError(msg)
    determined(s)
    return values_of(s, name, i, j, whole(sweep, "sweep", least=1))


def values_of(s: Subject, name: str, i: int, j: int, steps: int) -> int:
    """Return how many values output i takes while token j of a tensor sweeps `steps` magnitudes."""
    x = s.given[name]
    token = x[..., j, :].astype(np.float32)
    seen = set()
    for exponent in np.linspace(-_OCTAVES, _OCTAVES, steps):
        new = token * np.float32(2.0**exponent)
        seen.add(rows(s.call({name: with_token(x, j, new)}))[i].tobytes())
    return len(seen)
