"""Feeds: which bits of a random word an element gets, as data.

Which feed `cvt.rs.satfinite.e2m1x4` uses is not known: NVIDIA's text gives BYTE_LANE, its 8-bit form as it
was measured suggests PAIR_REVERSED, and TransformerEngine's software form has BYTE_NATURAL. Hardware decides;
the 32 one-bit words of `probe` tell them apart on a chip.
"""

from __future__ import annotations

from enum import Enum
from types import MappingProxyType
from typing import Any

import numpy as np

from fos_ref.arguments import whole
from fos_ref.errors import DtypeError, InputError
from fos_ref.formats.arrays import U32

WORD_BITS = 32


class Feed(Enum):
    """How one word is dealt out to the elements that it serves."""

    BYTE_LANE = "byte-lane"  #: four elements, 8 bits each: low bytes of both halves, then their high bytes
    PAIR_REVERSED = "pair-bit-reversed"  #: two pairs; one of a pair has 16 bits, the other the same reversed
    BYTE_NATURAL = "byte-natural"  #: four elements, 8 bits each: byte k for element k
    HALF_REVERSED = "half-bit-reversed"  #: as PAIR_REVERSED, from whole halves: cvt.rs to four 8-bit floats
    HALF = "half"  #: two elements, 16 bits each: cvt.rs to two bfloat16
    WORD = "word"  #: one element, all 32 bits


def _down(*ranges: tuple[int, int]) -> tuple[int, ...]:
    """Return bit positions from the highest on, of ranges (highest, lowest)."""
    return tuple(bit for high, low in ranges for bit in range(high, low - 1, -1))


_EF, _AB = _down((23, 16), (7, 0)), _down((31, 24), (15, 8))
_LOW, _HIGH = _down((15, 0)), _down((31, 16))

#: Feed -> of each element, in the order of memory, the positions of its bits in the word, the highest first.
#: Element 0 is operand f of e2m1x4, element 1 e, element 2 b, element 3 a.
FEEDS = MappingProxyType(
    {
        Feed.BYTE_LANE: (_down((7, 0)), _down((23, 16)), _down((15, 8)), _down((31, 24))),
        Feed.PAIR_REVERSED: (_EF, _EF[::-1], _AB, _AB[::-1]),
        Feed.BYTE_NATURAL: (_down((7, 0)), _down((15, 8)), _down((23, 16)), _down((31, 24))),
        Feed.HALF_REVERSED: (_LOW, _LOW[::-1], _HIGH, _HIGH[::-1]),
        Feed.HALF: (_LOW, _HIGH),
        Feed.WORD: (_down((31, 0)),),
    }
)


def width(feed: Feed) -> int:
    """Return how many random bits an element gets. Raises: KeyError for what is no `Feed`."""
    return len(FEEDS[feed][0])


def deal(words: Any, feed: Feed, bits: int | None = None) -> U32:
    """Return the random number of each element, from the words that serve them.

    words:  whole numbers of 32 bits, (R, G); the elements of a word lie side by side
    bits:   keep so many of an element's bits, the highest; all by default
    Shapes: -> (R, G n), n the number of elements that a word serves
    Dtypes: integers -> uint32, from 0 to 2^N - 1 with N = `width(feed)`, or `bits`
    Raises: DtypeError for floats, InputError for numbers out of range.
    Spec:   docs/training.md, Feeds.
    """
    given = np.asarray(words)
    if given.dtype.kind not in "ui":
        msg = f"random words of dtype {given.dtype}: whole numbers from 0 to 2^32 - 1 are allowed"
        raise DtypeError(msg)
    if np.any(given < 0) or np.any(given >> WORD_BITS):
        msg = "random words: whole numbers from 0 to 2^32 - 1 are allowed"
        raise InputError(msg)
    kept = width(feed) if bits is None else whole(bits, "random bits", 1, width(feed))
    w = given.astype(np.uint32)
    dealt = np.zeros((*w.shape, len(FEEDS[feed])), dtype=np.uint32)
    for element, positions in enumerate(FEEDS[feed]):
        for place, position in enumerate(positions[:kept]):
            one = w >> np.uint32(position) & np.uint32(1)
            dealt[..., element] |= one << np.uint32(kept - 1 - place)
    return dealt.reshape(*w.shape[:-1], w.shape[-1] * dealt.shape[-1]) if w.ndim else dealt


def probe(feed: Feed) -> tuple[int | None, ...]:
    """Return of each of the words 1 << 0 .. 1 << 31 the element that it moves from 1.25 up to 1.5, or None.

    At 1.25 an element goes up exactly where the highest of its random bits is set. So 32 conversions of four
    values 1.25 tell the feeds apart.
    Raises: KeyError for what is no `Feed`.
    """
    top = {positions[0]: element for element, positions in enumerate(FEEDS[feed])}
    return tuple(top.get(bit) for bit in range(WORD_BITS))
