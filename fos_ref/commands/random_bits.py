"""The option `--random-bits`: a word map by name, seed and offset, or a file of words."""

from __future__ import annotations

import re
from typing import Any

import typer

from fos_ref.errors import InputError

_MAP = re.compile(r"(?P<map>[a-z0-9-]{1,60}):(?P<seed>[0-9]{1,40})(?::(?P<offset>[0-9]{1,40}))?")


def random_bits(text: str) -> Any:
    """Return the option; `text` says what it is for."""
    return typer.Option(metavar="MAP:SEED[:OFFSET]|FILE.npy", help=text)


def bits_of(given: str | None) -> Any:
    """Return a map's name, seed and offset, or the words of a file; None where none are given."""
    from fos_ref.outside.npy import read_npy

    if given is None:
        return None
    named = _MAP.fullmatch(given)
    if named is not None:
        return named["map"], int(named["seed"]), int(named["offset"] or 0)
    if not given.endswith(".npy"):
        msg = f"--random-bits {given!r}: MAP:SEED[:OFFSET], or a .npy file of words, is allowed"
        raise InputError(msg)
    return read_npy(given)
