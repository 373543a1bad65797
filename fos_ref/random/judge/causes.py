"""Which mistake explains codes whose random words are known: each is tried, the nearest is named first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from fos_ref.formats.arrays import AnyArray, F32, I64, U32
from fos_ref.formats.catalog import E2M1
from fos_ref.formats.codec import decode_magnitude, encode
from fos_ref.random.feeds import deal, Feed, FEEDS, width
from fos_ref.random.programs import quartet2_simulator, te_software
from fos_ref.random.rules import between, Rule, stochastic

_FOUR = tuple(f for f in Feed if len(FEEDS[f]) == len(FEEDS[Feed.BYTE_NATURAL]))
_BYTE = 8
#: (values, random numbers, N) -> codes
Rounding = Callable[[F32, U32, int], AnyArray]


class Cause(NamedTuple):
    """A mistake, and how many codes it leaves unexplained."""

    flag: str
    what: str
    differing: int


def causes(
    y: F32,
    codes: AnyArray,
    words: U32,
    *,
    rule: Rule,
    feed: Feed,
    bits: int | None = None,
    rounding: Rounding | None = None,
    others: Mapping[str, tuple[str, U32]] | None = None,
) -> tuple[Cause, ...]:
    """Return the mistakes that explain E2M1 codes better than the recipe does, the best first.

    y:       values before the rounding, (rows, columns)
    words:   of the recipe, (rows, columns / 4)
    bits:    random bits of a value; None: all that the feed gives
    rounding: a program's rounder, (values, random numbers, bits) -> codes, where it is not quite `rule`
    others:  words that a wrong counter gives, what it is -> (flag, words): of another map, of seven rounds
    Returns nothing where the codes are the recipe's.
    """
    got, n = np.asarray(codes), width(feed) if bits is None else bits
    own = rounding or (lambda v, r, b: stochastic(v, r, rule, b))

    def rounded(drawn: U32) -> AnyArray:
        return own(y, deal(drawn, feed, n), n)

    wrong = int((got != rounded(words)).sum())
    if not wrong:
        return ()
    made = _mistakes(y, words, (rule, own, rounding is None), feed, n)
    tried = [Cause(flag, what, int((got != c).sum())) for flag, what, c in made]
    for what, (flag, drawn) in (others or {}).items():
        tried.append(Cause(flag, what, int((got != rounded(drawn)).sum())))
    better = [c for c in tried if c.differing < wrong]
    return tuple(sorted(better, key=lambda c: c.differing))


def _mistakes(
    y: F32, words: U32, how: tuple[Rule, Rounding, bool], feed: Feed, n: int
) -> Iterator[tuple[str, str, AnyArray]]:
    """Yield flag, words and codes of every mistake; where two give the same codes the first is named."""
    right, (rule, own, rule_alone) = deal(words, feed, n), how
    for other in _FOUR:
        if feed in _FOUR and other is not feed:
            m = width(other) if rule_alone else min(n, width(other))
            yield "SrBitFeed", f"feed {other.value}", own(y, deal(words, other, m), m)
    yield from _other_rules(y, right, rule, own, n)
    for kept in range(1, n):
        cut = right >> np.uint32(n - kept) << np.uint32(n - kept)
        yield "SrBitsNarrow", f"{kept} random bits", own(y, cut, n)
    first = np.repeat(right[:, :: len(FEEDS[feed])], len(FEEDS[feed]), axis=1)
    yield "SrSharedNoise", "one number for the elements of a word", own(y, first, n)
    for rows in (1, 16, 32, 64, 128):
        if rows < len(y):
            tiled = right[np.arange(len(y)) % rows]
            yield "SrSharedNoise", f"the numbers of rows {rows} apart", own(y, tiled, n)
    for columns in (16, 64, 256):
        if columns < y.shape[1]:
            tiled = right[:, np.arange(y.shape[1]) % columns]
            yield "SrSharedNoise", f"the numbers of columns {columns} apart", own(y, tiled, n)
    for turned in (right[:, ::-1], right[::-1]):
        yield "RngCounterMap", "the same numbers in reverse", own(y, turned, n)


def _other_rules(
    y: F32, right: U32, rule: Rule, own: Rounding, n: int
) -> Iterator[tuple[str, str, AnyArray]]:
    """Yield the mistakes that make something else of the right random numbers."""
    plain = own(y, right, n)
    for other in Rule:
        if other is not rule:
            yield "SrRule", f"rule {other.value}", stochastic(y, right, other, n)
    if n == _BYTE:
        yield "SrRule", "TransformerEngine's software form", te_software(y, right)
    yield "SrMissing", "nearest even", encode(y, E2M1)
    yield "SrRule", "toward zero", stochastic(y, np.zeros_like(right), rule, n)
    yield "SrRule", "stochastic below 1 only", np.where(np.abs(y) < 1, plain, encode(y, E2M1))
    for what, noise in _noises(right.astype(np.int64), n):
        yield "SrRule", what, _carried(y, noise, n)
    on = between(np.abs(y).astype(np.float64), E2M1).nu == 0
    uniform = np.ldexp(((1 << n) - 1 - right).astype(np.float32), -n)
    moved = np.where(on, quartet2_simulator(y, uniform), plain)
    yield "SrGridNoise", "values of the format rounded once more", moved


def _noises(right: I64, n: int) -> Iterator[tuple[str, I64]]:
    """Yield noise that does not have the range of n random bits."""
    yield "noise of three quarters of its range", right * 3 // 4
    yield "noise too large by 1", right + 1
    yield "noise too large by a sixteenth of its range", right + (1 << n) // 16


def _carried(y: F32, noise: I64, n: int) -> AnyArray:
    """Return rule A's codes for whole numbers of any size: past 2^n they take values of E2M1 up as well."""
    largest = float(decode_magnitude(E2M1.max_code, E2M1))
    below, nu = between(np.minimum(np.abs(y).astype(np.float64), largest), E2M1)
    up = np.floor(np.ldexp(nu, n)).astype(np.int64) + noise >= 1 << n
    codes: I64 = np.minimum(below + up, E2M1.max_code)
    return codes | np.signbit(y).astype(np.int64) << E2M1.sign_shift
