"""The random words of a tensor, from a map, a seed and an offset; and which of them a map uses twice."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, NamedTuple

import numpy as np

from fos_ref.arguments import one_of, sizes, whole
from fos_ref.errors import InputError, ShapeError
from fos_ref.errors.text import listed
from fos_ref.foreign import shown
from fos_ref.formats.arrays import U32
from fos_ref.random.maps import Asked, Generator, MAPS, Places, WordMap
from fos_ref.random.maps.wordmap import Option
from fos_ref.random.murmur import finalizer
from fos_ref.random.philox import philox4x32, ROUNDS, split, U64

_WORDS_AT_ONCE = 1 << 18
_LARGEST = (1 << 64) - 1


def words(
    map: str,  # noqa: A002 -- the name is part of the public face
    shape: tuple[int, int],
    *,
    seed: int,
    offset: int = 0,
    rounds: int = ROUNDS,
    **options: Option,
) -> U32:
    """Return the random word behind each group of consecutive elements of a tensor.

    map:     a name of MAPS. A map of a column copy takes the shape of that copy, (features, tokens).
    shape:   (rows, columns) of the tensor that is quantized, in the orientation it is quantized in
    seed:    the program's seed, 64 bits; where a program keeps two seeds, that of this copy
    offset:  the program's offset as its map counts it; 0 for a program that has none
    rounds:  of Philox, a constant of the program's build
    options: what else a program's words depend on, by the names and values of `MAPS[map].options`
    Shapes:  -> (rows, columns / n), n = `MAPS[map].elements`: 4 as a rule, 1 or 16 for some
    Dtypes:  uint32; a map of fewer than 32 bits gives them as whole numbers
    Raises:  InputError, ShapeError: one line with what is allowed.
    Spec:    docs/training.md, Word maps.
    """
    chosen, asked = checked(map, shape, seed, offset, options)
    found = np.empty((asked.shape[0], asked.groups.size), dtype=np.uint32)
    for part in _parts(asked):
        places = chosen.place(part)
        drawn = _drawn(chosen, places, rounds) >> np.asarray(places.shift, dtype=np.uint32)
        found[part.rows[0, 0] : part.rows[-1, 0] + 1] = drawn & np.uint32((1 << chosen.bits) - 1)
    return found


class Sharing(NamedTuple):
    """How many words a tensor asks for, and how many draws there are behind them."""

    words: int
    distinct: int

    @property
    def shared(self) -> int:
        """Words that repeat an earlier one."""
        return self.words - self.distinct


def sharing(map: str, shape: tuple[int, int], **options: Option) -> Sharing:  # noqa: A002 -- as above
    """Return how many words of a tensor are the same draw as an earlier one, counted on the draws' numbers.

    Neither seed nor offset matters: they turn the numbers of all draws alike. Two draws are one where key,
    counter, lane and half are; the finalizer is a bijection, so its draws are one where its inputs are.
    Map, shape, options and errors are those of `words`.
    """
    chosen, asked = checked(map, shape, 0, 0, options)
    numbers = _numbered([_columns(chosen.place(p)) for p in _parts(asked)])
    numbers.sort()
    return Sharing(len(numbers), 1 + int(np.count_nonzero(numbers[1:] != numbers[:-1])))


def _columns(places: Places) -> list[U64]:
    """Return what tells draws apart: the counter's words, key, lane and shift, each flat or one constant."""
    counter = np.moveaxis(places.counter, -1, 0)
    columns = [np.asarray(c, dtype=np.uint64) for c in (*counter, places.key, places.lane, places.shift)]
    shape = np.broadcast_shapes(*(c.shape for c in columns))
    spread = [np.broadcast_to(c, shape).ravel() for c in columns]
    return [c[:1] if (c == c[0]).all() else c for c in spread]


def _numbered(parts: list[list[U64]]) -> U64:
    """Return one number for each place, two alike exactly where all columns are: digits of a mixed radix."""
    columns = list(zip(*parts, strict=True))
    radices = [max(int(c.max()) for c in column) + 1 for column in columns]
    assert prod(radices) <= 1 << 64, radices
    lengths = [max(c.size for c in part) for part in parts]
    numbers = np.zeros(sum(lengths), dtype=np.uint64)
    for column, radix in zip(columns, radices, strict=True):
        digits = [np.broadcast_to(c, n) for c, n in zip(column, lengths, strict=True)]
        numbers = numbers * np.uint64(radix) + np.concatenate(digits)
    return numbers


def checked(
    name: str, shape: Any, seed: int, offset: int, options: dict[str, Option]
) -> tuple[WordMap, Asked]:
    """Return the map and what is asked of it; one error for whatever does not fit."""
    chosen = MAPS[one_of(name, MAPS, "map")]
    rows, columns = sizes(shape, "shape", 1)
    if rows % chosen.multiple[0] or columns % chosen.multiple[1]:
        allowed = f"rows in multiples of {chosen.multiple[0]}, columns of {chosen.multiple[1]}"
        msg = f"shape ({rows}, {columns}) for the map {chosen.name}: {allowed} are allowed"
        raise ShapeError(msg)
    unknown = sorted(set(options) - set(chosen.options))
    if unknown:
        allowed = listed(chosen.options) or "none"
        msg = f"option {shown(unknown[0])} of the map {chosen.name}: {allowed} is allowed"
        raise InputError(msg)
    taken = {key: options.get(key, values[0]) for key, values in chosen.options.items()}
    for key, values in chosen.options.items():
        if taken[key] not in values:
            allowed = listed(str(v) for v in values)
            msg = f"{key} {shown(taken[key])} of the map {chosen.name}: one of {allowed} is allowed"
            raise InputError(msg)
    every = np.arange(rows)[:, None], np.arange(columns // chosen.elements)[None, :]
    most = whole(seed, "seed", 0, _LARGEST), whole(offset, "offset", 0, _LARGEST)
    return chosen, Asked(*every, (rows, columns), *most, taken)


def _parts(asked: Asked) -> Iterator[Asked]:
    """Yield the rows in parts, so that the numbers of a large tensor's draws need little memory."""
    step = max(1, _WORDS_AT_ONCE // asked.groups.size)
    for start in range(0, asked.shape[0], step):
        yield asked._replace(rows=asked.rows[start : start + step])


def _drawn(chosen: WordMap, places: Places, rounds: int) -> U32:
    """Return the word of each place."""
    if chosen.generator is Generator.MURMUR3_FINALIZER:
        return finalizer(places.counter[..., 0])
    four = philox4x32(places.counter, np.stack(split(places.key), axis=-1), rounds)
    lane = np.broadcast_to(places.lane, four.shape[:-1])[..., None]
    word: U32 = np.take_along_axis(four, lane, axis=-1)[..., 0]
    return word
