"""Random words on the device: those of a program's map, and those that a caller gives."""

from __future__ import annotations

from typing import Any

import numpy as np

from fos_gpu.build.training import map_number, request
from fos_gpu.build.training_units import words_unit
from fos_gpu.launch import start, THREADS
from fos_gpu.tensors import empty, launching, Place, take
from fos_ref.arguments import whole
from fos_ref.errors import DtypeError, ShapeError
from fos_ref.random.maps.wordmap import Option
from fos_ref.random.philox import MOST_ROUNDS, ROUNDS
from fos_ref.random.words import checked

_DTYPES = ("uint32", "int32")


def words(
    map: str,  # noqa: A002 -- the name is that of fos_ref.random.words
    shape: tuple[int, int],
    *,
    like: Any,
    seed: int,
    offset: int = 0,
    rounds: int = ROUNDS,
    **options: Option,
) -> Any:
    """Return `fos_ref.random.words` of the same arguments, in device memory.

    like:    an array whose framework and device the words are to have
    Shapes:  -> (rows, columns / n), n = `fos_ref.random.MAPS[map].elements`
    Dtypes:  uint32
    Streams: the framework's current one; nothing waits for the device.
    Raises:  InputError, ShapeError as there; DtypeError or InputError for a `like` that is no device array.
    """
    place = take(like, "like", alignment=1).place
    drawn = arguments(map, shape, seed, offset, rounds=rounds, options=options)
    chosen, asked = checked(map, shape, seed, offset, options)
    rows, groups = asked.shape[0], asked.shape[1] // chosen.elements
    with launching(place, f"random words of shape ({rows}, {groups})"):
        own = empty((rows, groups), "uint32", place)
        given = (drawn[0], np.int64(rows), np.int64(asked.shape[1]), *drawn[1:], np.int64(groups))
        out = take(own, "words").words((rows, groups))
        start(words_unit(), "fos_random_words", -(-rows * groups // THREADS), (*given, out))
    return own


def arguments(
    name: str, shape: tuple[int, int], seed: int, offset: int, *, rounds: int, options: dict[str, Option]
) -> tuple[Any, ...]:
    """Return map, seed, offset, rounds, choice and tile of a request, checked, as kernels take them."""
    checked(name, shape, seed, offset, options)
    more = (whole(rounds, "rounds", 1, MOST_ROUNDS), *request(name, options))
    return (np.int32(map_number(name)), np.uint64(seed), np.uint64(offset), *map(np.int32, more))


def given_words(own: Any, name: str, shape: tuple[int, int], place: Place) -> Any:
    """Return a caller's words as a CuPy array (R, G) of uint32; DtypeError or ShapeError for others."""
    tensor = take(own, name, alignment=4)
    if tensor.dtype not in _DTYPES or tensor.place != place:
        msg = f"{name} is {tensor.dtype} on {tensor.place}: {' or '.join(_DTYPES)} on {place} is allowed"
        raise DtypeError(msg)
    if tensor.shape != shape:
        msg = f"{name} of shape {tensor.shape}: {shape} is allowed"
        raise ShapeError(msg)
    return tensor.words(shape)
