"""What a word map is: from the place of an element to the draw that its random bits come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import numpy as np

from fos_ref.formats.arrays import I64, U32
from fos_ref.random.philox import split, U64

Option: TypeAlias = str | int
Options: TypeAlias = Mapping[str, Option]
_LANES = 4


class Generator(Enum):
    """What turns the numbers of a draw into words."""

    PHILOX4X32 = "philox4x32"
    MURMUR3_FINALIZER = "murmur3-finalizer"


class Places(NamedTuple):
    """Of each word: the numbers of its draw and which word of the draw it is. They broadcast."""

    counter: U32  #: (..., 4); the finalizer takes the first only
    lane: I64  #: which of the four words
    key: U64  #: 64 bits; the finalizer has none
    shift: I64 | int = 0  #: where in the word the bits of the map begin


class Asked(NamedTuple):
    """What is asked of a map: which words, of a tensor of which shape, from which seed and offset."""

    rows: I64  #: (n, 1)
    groups: I64  #: (1, g): a group is `elements` consecutive values of a row
    shape: tuple[int, int]  #: of the tensor that is quantized, in the orientation it is quantized in
    seed: int
    offset: int
    options: Options


@dataclass(frozen=True, slots=True, kw_only=True)
class WordMap:
    """Where one program takes the random word behind each group of elements from."""

    name: str
    source: str  #: repo@commit:path::symbol
    generator: Generator = Generator.PHILOX4X32
    elements: int = 4  #: consecutive values that one word serves
    bits: int = 32  #: of a word that are used
    multiple: tuple[int, int] = (1, 16)  #: what rows and columns are a multiple of
    place: Callable[[Asked], Places]
    options: Mapping[str, tuple[Option, ...]] = field(default_factory=lambda: MappingProxyType({}))
    #: option -> the allowed values, the first is taken if none is given
    shares: str  #: which elements have one word in common; "none" is a proven bijection


def sequence_draws(asked: Asked, sequence: I64, draw: I64, lane: I64) -> Places:
    """Return the places of a cuRAND state: key the seed, counter (offset + draw, sequence).

    The counter has 128 bits: offset in the low 64, sequence in the high ones. `offset` counts draws of four
    words, and a carry out of the low half goes on into the high one.
    """
    offset = np.uint64(asked.offset)
    low = offset + draw.astype(np.uint64)
    high = sequence.astype(np.uint64) + (low < offset).astype(np.uint64)
    low, high = np.broadcast_arrays(low, high)
    return Places(_counter(*split(low), *split(high)), lane, np.array(asked.seed, dtype=np.uint64))


def indexed_draws(index: I64, key: U64, low: int | None = None) -> Places:
    """Return the places of Triton's randint: the first word of counter (index, 0, 0, 0).

    low: where it is given the counter is (low, index, 0, 0): a 64-bit offset with the index in its high half.
    """
    word = index.astype(np.uint64) & np.uint64(0xFFFFFFFF)
    zero = np.zeros_like(word)
    first, second = (word, zero) if low is None else (np.full_like(word, low), word)
    return Places(_counter(first, second, zero, zero), np.zeros_like(index), key)


def _counter(*words: U64) -> U32:
    """Return four arrays of words as counters (..., 4)."""
    assert len(words) == _LANES
    return np.stack(words, axis=-1).astype(np.uint32)
