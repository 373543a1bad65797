"""What a caller may pass beside arrays: one of a few words, a whole number, a shape. Checked, never cast."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from fos_ref.errors import InputError, ShapeError
from fos_ref.foreign import foreign, shown

LARGEST = (1 << 63) - 1  #: of a size: what an array can be indexed with


def is_a(value: Any, kinds: type | tuple[type, ...]) -> bool:
    """Return whether a value is of one of the types; unlike isinstance it does not ask the value itself."""
    return issubclass(type(value), kinds)


def one_of(value: Any, allowed: Iterable[str], what: str) -> str:
    """Return `value` if it is one of the words that are allowed; InputError lists them."""
    known = tuple(allowed)
    if not is_a(value, str) or value not in known:
        msg = f"{what} {shown(value)}: one of {', '.join(known)} is allowed"
        raise InputError(msg)
    return str(value)


def function(value: Any, what: str) -> None:
    """Raise InputError for what cannot be called."""
    if not callable(value):
        msg = f"{what} {shown(value)}: a function is allowed"
        raise InputError(msg)


def words(value: Any, allowed: Iterable[str], what: str) -> tuple[str, ...]:
    """Return some of the words that are allowed; InputError names the first that is not."""
    with foreign(f"{what} {shown(value)}", f"some of {', '.join(allowed)} are allowed"):
        given = (value,) if is_a(value, str) else tuple(value)
    return tuple(one_of(v, allowed, what) for v in given)


def whole(value: Any, what: str, least: int = 0, most: int = LARGEST) -> int:
    """Return a whole number from `least` to `most` as an int; InputError for a bool, a float, a string, ...

    NumPy's integers are whole numbers too; a float is none, even 2.0.
    """
    is_whole = is_a(value, (int, np.integer)) and not is_a(value, (bool, np.timedelta64))
    if not is_whole or not least <= int(value) <= most:
        msg = f"{what} {shown(value)}: a whole number from {least} to {most} is allowed"
        raise InputError(msg)
    return int(value)


def wholes(value: Any, what: str, least: int = 0, most: int = LARGEST) -> list[int]:
    """Return whole numbers from `least` to `most`, one or more; InputError for what holds none."""
    allowed = f"whole numbers from {least} to {most} are allowed"
    with foreign(f"{what} {shown(value)}", allowed):
        given = list(value)
    if not given:
        msg = f"{what} {shown(value)}: none is given: {allowed}"
        raise InputError(msg)
    return [whole(v, what, least, most) for v in given]


def path(value: Any, what: str) -> Path:
    """Return a path; InputError for what is none, for an empty one and for one that holds a NUL."""
    allowed = "the path of a file is allowed"
    with foreign(f"{what} {shown(value)}", allowed):
        text = os.fsdecode(os.fspath(value))
    if not text or "\0" in text:
        msg = f"{what} {shown(value)}: {allowed}"
        raise InputError(msg)
    return Path(text)


def sizes(value: Any, what: str, least: int = 0) -> tuple[int, int]:
    """Return a shape (rows, columns) of whole numbers from `least` on; ShapeError for anything else."""
    allowed = f"(rows, columns), whole numbers from {least} on, is allowed"
    with foreign(f"{what} {shown(value)}", allowed, ShapeError):
        rows, columns = [] if is_a(value, (set, frozenset, dict)) else value  # they have no order
        try:
            return whole(rows, what, least), whole(columns, what, least)
        except InputError as e:
            msg = f"{what} {shown(value)}: {allowed}"
            raise ShapeError(msg) from e
