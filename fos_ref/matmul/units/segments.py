"""Random segments for a unit, by seed: the first n of them are the same, however many are drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fos_ref.arguments import one_of, whole
from fos_ref.formats.arrays import AnyArray, I64, U8
from fos_ref.matmul.units.beats import Beats, LANES
from fos_ref.matmul.units.decode import CODE_8, FLAG, LOW, SIGN

MOST = 10_000_000
_MOST_SEED = (1 << 64) - 1
#: What the segments of a kind are made of; a kind is drawn for each, uniform as often as all others together.
KINDS = ("uniform",) * 5 + ("near", "edges", "sparse", "minus zeros", "cancelling")
#: Scale bytes where exponents and significands begin and end.
_EDGES = np.array([0, 1, 2, 3, 7, 8, 9, 15, 16, 0x38, 0x3F, 0x40, 0x77, 0x78, 0x7E, 0x7F], dtype=np.uint8)
_SHORT, _LONG = 4, 64
_EIGHTH = 4  #: of 32


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which segment and which place in it each beat has."""

    segment: I64  #: (n,)
    place: I64  #: (n,)
    kind: I64  #: (n,) an index into KINDS
    base: U8  #: (n,) a byte of the segment


def segments(count: int, seed: int = 0, code8: str = "datapath") -> Beats:
    """Return the beats of `count` random segments and the `first` that ends the last one.

    count:  1 to 10,000,000 segments. An eighth of them has 1 to 4 beats, a 32nd 13 to 64, the others 5 to 12
    seed:   0 to 2^64 - 1
    code8:  "datapath": all codes. "assert": no code 8, a 0 for it; all else is the same

    A 16th of the beats has a gap of 1 to 6 cycles before it, filled with codes and bytes that do not count.
    Of ten segments five are uniform in codes and scale bytes. The others have scale bytes within a factor of
    two; bytes at the edges of exponents; seven codes in eight zero, of either sign; products that are all -0;
    beats that take the one before them back.
    Raises: InputError or DtypeError for another count, seed or policy.
    Random: Philox4x64 with the key (seed, stream), a stream for each of lengths, gaps, codes and bytes.
    """
    n = whole(count, "count", 1, MOST)
    key = whole(seed, "seed", 0, _MOST_SEED)
    one_of(code8, CODE_8, "code8")
    plan = _plan(n, key)
    a, w, a_scale, w_scale = _fields(plan, key)
    if code8 == "assert":
        a[a == SIGN] = 0
        w[w == SIGN] = 0
    return _with_gaps((a, w, a_scale, w_scale, plan.place == 0), key)


def _draw(key: int, stream: int, n: int) -> AnyArray:
    words: AnyArray = np.random.Philox(key=np.array([key, stream], dtype=np.uint64)).random_raw(n)
    return words


def _plan(count: int, key: int) -> _Plan:
    """Return where each beat stands; the last segment is the beat that ends the others."""
    words = _draw(key, 0, count + 1)
    sort, size = words & 31, (words >> 5) & 0xFFFF
    usual = 5 + size % 8
    length = np.where(
        sort < _EIGHTH, 1 + size % _SHORT, np.where(sort == _EIGHTH, 13 + size % (_LONG - 12), usual)
    )
    length = length.astype(np.int64)
    length[-1] = 1
    segment = np.repeat(np.arange(count + 1), length)
    place = np.arange(len(segment)) - np.repeat(np.cumsum(length) - length, length)
    kind = ((words >> 21) % len(KINDS)).astype(np.int64)
    return _Plan(segment, place, kind[segment], (words >> 56).astype(np.uint8)[segment])


def _fields(plan: _Plan, key: int) -> tuple[U8, U8, U8, U8]:
    """Return the codes of both operands (n, 16) and their scale bytes (n,)."""
    n = len(plan.segment)
    codes = _nibbles(_draw(key, 1, 3 * n)).reshape(n, 3, LANES)
    a, w, extra = codes[:, 0].copy(), codes[:, 1].copy(), codes[:, 2]
    scales = _draw(key, 2, n).astype("<u8").view(np.uint8).reshape(n, 8)
    a_scale, w_scale = scales[:, 0].copy(), scales[:, 1].copy()
    kinds = [plan.kind == KINDS.index(k) for k in ("near", "edges", "sparse", "minus zeros", "cancelling")]
    near, edges, sparse, minus, cancel = kinds
    for s, low in ((a_scale, plan.base & 0x3F), (w_scale, (plan.base ^ 0x2A) & 0x3F)):
        s[near] = (s[near] & FLAG) | ((low[near] + 0x20) + (s[near] & LOW))
        s[edges] = (s[edges] & FLAG) | _EDGES[s[edges] & 15]
    zero = sparse[:, None] & (extra & LOW != 0)
    a[zero] &= SIGN
    a[minus] = 0
    w[minus] |= SIGN
    again = np.flatnonzero(cancel & (plan.place % 2 == 1))
    for part in (a, w, a_scale, w_scale):
        part[again] = part[again - 1]
    w[again] ^= SIGN
    return a, w, a_scale, w_scale


def _nibbles(words: AnyArray) -> U8:
    """Return the 16 nibbles of each word, the low one first."""
    low = words.astype("<u8").view(np.uint8)
    found = np.stack([low & 15, low >> 4], axis=-1)
    return found.reshape(len(words), LANES)


def _with_gaps(parts: tuple[AnyArray, ...], key: int) -> Beats:
    n = len(parts[-1])
    words = _draw(key, 3, n)
    gaps = np.where(words & 15 == 0, 1 + (words >> 4) % 6, 0).astype(np.int64)
    at = np.arange(n) + np.cumsum(gaps)
    length = int(at[-1]) + 1
    junk = _draw(key, 4, 3 * length)
    enable = np.zeros(length, dtype=np.bool_)
    enable[at] = True
    rest = junk[2::3].astype("<u8").view(np.uint8).reshape(-1, 8)
    found = Beats(
        a=_nibbles(junk[0::3]),
        w=_nibbles(junk[1::3]),
        a_scale=rest[:, 0].copy(),
        w_scale=rest[:, 1].copy(),
        first=rest[:, 2] < FLAG,
        enable=enable,
    )
    for full, part in zip((found.a, found.w, found.a_scale, found.w_scale, found.first), parts, strict=True):
        full[at] = part
    return found
