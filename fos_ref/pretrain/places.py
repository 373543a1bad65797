"""Which random word rounds which value: a function of seed, step, layer and operand, and of nothing else.

A word is the first of Philox4x32-10's four under the key (step, seed) and the counter (place, 0, 0, 0).
Places of a step are counted through layers in their order, operands in the stack's order, draws (map-to-6
first), rows, and along a row. Rows and columns are those of the whole batch, however many processes share it:
so the words do not depend on their number. MS-EDEN's noise is the high 16 bits of a word. Signs of a rotation
that are drawn in each pass are the bits of the words after the last operand's, four for each layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import numpy as np

from fos_ref.engines.random_bits import elements_of
from fos_ref.errors import InputError
from fos_ref.formats.arrays import U32
from fos_ref.random.philox import philox4x32
from fos_ref.recipes.catalog import recipe as get_recipe
from fos_ref.training import Operand, Stack

MAP = "quartet2-simulator"  #: the word map of fos_ref.random that numbers words in memory order
ROW = 1024  #: words are drawn in rows of so many
SIGN_WORDS = 4  #: of a layer: 128 signs
_MOST = 1 << 32
_HALF = np.uint32(16)


class Sizes(NamedTuple):
    """Of one layer: T tokens of the whole batch, K inputs, N outputs."""

    tokens: int
    inputs: int
    outputs: int


class Region(NamedTuple):
    """Where the words of one draw of one operand lie: (rows, groups) of them from `start` on."""

    start: int
    rows: int
    groups: int


@dataclass(frozen=True, slots=True)
class Places:
    """The places of one step of a run."""

    stack: Stack
    layers: tuple[Sizes, ...]
    regions: dict[tuple[int, str], tuple[Region, ...]]  #: (layer, operand) -> one for each draw
    signs: int  #: where the words of signs begin
    words: int  #: of a step, in whole rows

    def region(self, layer: int, operand: str) -> tuple[Region, ...]:
        """Return the regions of an operand; none for one that is rounded to nearest."""
        return self.regions.get((layer, operand), ())


def places_of(stack: Stack, layers: Sequence[Sizes]) -> Places:
    """Return where each word of a step lies. Raises: InputError where a step needs 2^32 words or more."""
    at, regions = 0, {}
    for i, sizes in enumerate(layers):
        for o in stack.operands:
            r = get_recipe(o.recipe)
            if r.stochastic:
                rows, columns = shape_of(o, sizes)
                found = []
                for _ in range(r.draws):
                    found.append(Region(at, rows, columns // elements_of(r)))
                    at += prod(found[-1][1:])
                regions[i, o.name] = tuple(found)
    words = -(-(at + SIGN_WORDS * len(layers)) // ROW) * ROW
    if words >= _MOST:
        msg = f"{words:,} random words in a step: fewer than 2^32 are allowed (a smaller batch)"
        raise InputError(msg)
    return Places(stack, tuple(layers), regions, at, words)


def shape_of(operand: Operand, sizes: Sizes) -> tuple[int, int]:
    """Return the rows and columns of an operand as it is quantized."""
    t, k, n = sizes
    rows, columns = {"x": (t, k), "w": (n, k), "g": (t, n)}[operand.of]
    return (columns, rows) if operand.transposed else (rows, columns)


def key_of(seed: int, step: int) -> int:
    """Return Philox's key of a step: the step in its low word, the seed in its high one."""
    assert 0 <= seed < _MOST
    assert 0 <= step < _MOST
    return seed << 32 | step


def drawn(start: int, count: int, seed: int, step: int) -> U32:
    """Return `count` words of a step from `start` on."""
    counter = np.zeros((count, 4), dtype=np.uint32)
    counter[:, 0] = np.arange(start, start + count, dtype=np.uint64).astype(np.uint32)
    return np.ascontiguousarray(philox4x32(counter, [step, seed])[:, 0])


def bits(places: Places, layer: int, operand: str, seed: int, step: int) -> list[U32]:
    """Return an operand's random bits as `fos_ref.quantize` takes them, for each draw: (rows, groups)."""
    found = []
    for start, rows, groups in places.region(layer, operand):
        words = drawn(start, rows * groups, seed, step).reshape(rows, groups)
        found.append(words if rounds_elements(places.stack, operand) else words >> _HALF)
    return found


def signs(places: Places, layer: int, seed: int, step: int) -> list[int]:
    """Return a layer's 128 signs of a step: -1 where a bit is set, from the lowest of the first word."""
    four = drawn(places.signs + SIGN_WORDS * layer, SIGN_WORDS, seed, step)
    return [1 - 2 * (int(four[i // 32]) >> i % 32 & 1) for i in range(32 * SIGN_WORDS)]


def rounds_elements(stack: Stack, operand: str) -> bool:
    """Return whether an operand's words round elements; else they round block scales."""
    (own,) = [o for o in stack.operands if o.name == operand]
    return bool(get_recipe(own.recipe).rounds_elements)
