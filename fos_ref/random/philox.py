"""Philox4x32: four random words are a pure function of a counter and a key. Counters are data."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fos_ref.arguments import whole
from fos_ref.errors import DtypeError, InputError, ShapeError
from fos_ref.foreign import shown
from fos_ref.formats.arrays import U32

U64: TypeAlias = NDArray[np.uint64]

ROUNDS = 10  #: what every program of docs/training.md runs unless it is built otherwise
MOST_ROUNDS = 16
WORD = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (np.uint64(0x9E3779B9), np.uint64(0xBB67AE85))


def philox4x32(counter: Any, key: Any, rounds: int = ROUNDS) -> U32:
    """Return the four words of each counter under each key.

    Shapes:   counter (..., 4) and key (..., 2), broadcast against each other -> (..., 4)
    Dtypes:   whole numbers from 0 to 2^32 - 1, of any integer dtype or as Python's -> uint32
    Rounding: none. A round is (hi(M1 z) ^ y ^ k0, lo(M1 z), hi(M0 x) ^ w ^ k1, lo(M0 x)), M0 = D2511F53 and
              M1 = CD9E8D57. The key grows by (9E3779B9, BB67AE85) between two rounds.
    Raises:   ShapeError for another last axis, DtypeError for floats, InputError for a number out of range.
    Spec:     Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (SC 2011); Random123's known answers.
    """
    c, k = _words(counter, 4, "counter"), _words(key, 2, "key")
    n = whole(rounds, "rounds", 1, MOST_ROUNDS)
    try:
        shape = np.broadcast_shapes(c.shape[:-1], k.shape[:-1])
    except ValueError:
        msg = f"counter {c.shape} and key {k.shape}: shapes that broadcast without the last axis are allowed"
        raise ShapeError(msg) from None
    x, y, z, w = (c[..., i] for i in range(4))
    k0, k1 = k[..., 0], k[..., 1]
    for _ in range(n):
        first, second = _MULTIPLIERS[0] * x, _MULTIPLIERS[1] * z
        x, y = (second >> _HALF) ^ y ^ k0, second & WORD
        z, w = (first >> _HALF) ^ w ^ k1, first & WORD
        k0, k1 = (k0 + _WEYL[0]) & WORD, (k1 + _WEYL[1]) & WORD
    found = np.empty((*shape, 4), dtype=np.uint32)
    for i, v in enumerate((x, y, z, w)):
        found[..., i] = v
    return found


def split(value: U64) -> tuple[U64, U64]:
    """Return the low and the high word of 64-bit numbers."""
    return value & WORD, value >> _HALF


def _words(value: Any, width: int, what: str) -> U64:
    """Return an array of words as uint64, checked."""
    given = np.asarray(value)
    if given.dtype.kind not in "ui":
        msg = f"{what} of dtype {given.dtype}: whole numbers from 0 to 2^32 - 1 are allowed"
        raise DtypeError(msg)
    if given.ndim == 0 or given.shape[-1] != width:
        msg = f"{what} of shape {given.shape}: a last axis of {width} words is allowed"
        raise ShapeError(msg)
    outside = (given < 0) | (given > int(WORD))
    if outside.any():
        msg = f"{what} {shown(int(given[outside].flat[0]))}: whole numbers from 0 to 2^32 - 1 are allowed"
        raise InputError(msg)
    return given.astype(np.uint64)
