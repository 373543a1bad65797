"""A conversion as the list of its runs: which float32 patterns have which code, exactly, in a few numbers.

The codes of one sign rise with the magnitude, so a code's patterns are one run, but for NaN. A group is
(sign bit, NaN or not, code), numbered sign * 512 + NaN * 256 + code; a table says for each group how many
patterns it has, the first and the last one. csrc/fos_sweep.cu makes the same table on a device.
"""

from __future__ import annotations

import hashlib

import numpy as np

from fos_ref.formats import E2M1, E4M3, encode
from fos_ref.formats.arrays import AnyArray, U32

GROUPS = 1024
EMPTY = (0, 0xFFFFFFFF, 0)  #: count, first and last of a group without patterns
FORMATS = {"E2M1": E2M1, "E4M3": E4M3}
INFINITY, SIGN = 0x7F800000, 0x80000000
CLASSES = tuple(f"{s}{c}" for s in ("+", "-") for c in ("zero", "subnormal", "normal", "infinite", "NaN"))


def model_codes(kind: str, patterns: AnyArray) -> AnyArray:
    """Return the codes of float32 patterns (n,) by the readable codec."""
    with np.errstate(all="ignore"):  # NaN and overflow are what is asked about
        return encode(patterns.astype(np.uint32).view(np.float32), FORMATS[kind])


def model_table(kind: str) -> U32:
    """Return the table (3, GROUPS) of the readable codec: counts, first, last.

    A code's first pattern is found by halving, which takes for granted that codes rise: `expanded` is held
    against all 2^32 codes by the proof.
    """
    table = empty_table()
    for sign in (0, SIGN):
        for code, first, last in _runs(kind, sign):
            _put(table, group(first, code), first, last)
        (nan,) = model_codes(kind, np.array([sign | INFINITY | 1]))
        _put(table, group(sign | INFINITY | 1, int(nan)), sign | (INFINITY + 1), sign | (SIGN - 1))
    return table


def empty_table() -> U32:
    """Return a table (3, GROUPS) in which no group has a pattern."""
    return np.repeat(np.array(EMPTY, dtype=np.uint32)[:, None], GROUPS, axis=1)


def group(pattern: int, code: int) -> int:
    """Return the number of a pattern's group."""
    return (pattern >> 31) * 512 + (pattern & (SIGN - 1) > INFINITY) * 256 + code


def _runs(kind: str, sign: int) -> list[tuple[int, int, int]]:
    """Return (code, first, last) of the runs from zero to infinity."""
    low, high = (int(c) for c in model_codes(kind, np.array([sign, sign | INFINITY])))
    firsts = _firsts(kind, sign, np.arange(low + 1, high + 1))
    edges = [sign, *(int(f) | sign for f in firsts), (sign | INFINITY) + 1]
    return [(low + i, edges[i], edges[i + 1] - 1) for i in range(len(edges) - 1)]


def _firsts(kind: str, sign: int, wanted: AnyArray) -> AnyArray:
    """Return, for each code, the smallest magnitude pattern that reaches it."""
    below = np.zeros(wanted.size, dtype=np.int64)
    there = np.full(wanted.size, INFINITY, dtype=np.int64)
    while np.any(there - below > 1):
        middle = (below + there) // 2
        reaches = model_codes(kind, middle | sign) >= wanted
        there, below = np.where(reaches, middle, there), np.where(reaches, below, middle)
    return there


def _put(table: U32, index: int, first: int, last: int) -> None:
    table[:, index] = (last - first + 1, first, last)


def expanded(table: U32, start: int, length: int) -> AnyArray:
    """Return the codes (length,) uint8 that a table of runs gives the patterns from `start` on."""
    out = np.zeros(length, dtype=np.uint8)
    firsts, lasts = table[1].astype(np.int64) - start, table[2].astype(np.int64) - start
    for index in np.flatnonzero((table[0] > 0) & (lasts >= 0) & (firsts < length)):
        out[max(firsts[index], 0) : lasts[index] + 1] = index % 256
    return out


def other_groups(table: U32, want: U32) -> dict[str, str]:
    """Return the groups whose numbers differ, in words: sign, NaN or not, code, what was found."""
    wrong = np.flatnonzero((table != want).any(axis=0)).tolist()
    return {_words(i): str(table[:, i].tolist()) for i in wrong}


def _words(index: int) -> str:
    return f"{'-' if index >> 9 else '+'}{'NaN' if index >> 8 & 1 else 'number'} {index % 256:#04x}"


def digest(table: U32) -> str:
    """Return the SHA-256 of a table's numbers, least significant byte first."""
    return hashlib.sha256(table.astype("<u4").tobytes()).hexdigest()
