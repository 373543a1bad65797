"""Whether a call left its arguments alone: the bytes of every array in them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from fos_ref.arguments import is_a


def snapshot(value: Any) -> list[bytes]:
    """Return the bytes of all arrays in arguments, those in tuples, dicts and dataclasses too."""
    return [a.tobytes() for a in _arrays(value)]


def same(before: list[bytes], after: list[bytes]) -> bool:
    """Return whether no array has changed."""
    return before == after


def _arrays(value: Any) -> Iterator[np.ndarray]:
    if is_a(value, np.ndarray):
        if value.dtype.kind != "O":  # addresses
            yield value
    elif is_a(value, (tuple, list)):
        for v in value[:100]:
            yield from _arrays(v)
    elif is_a(value, dict):
        yield from _arrays(list(value.values()))
    elif dataclasses.is_dataclass(type(value)) and not is_a(value, type):
        for f in dataclasses.fields(value):
            yield from _arrays(getattr(value, f.name))
