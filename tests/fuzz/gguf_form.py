"""Changes of a valid GGUF file by its form: what its header counts, names and places, said otherwise."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from tests.fuzz.hostile import STRINGS

_WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}  #: of a number by its type
_STRING, _LIST = 8, 9
NUMBERS = (0, 1, 2, 3, 4, 8, 9, 13, 31, 39, 40, 41, 63, 64, 65, 255, 1 << 16, 1 << 22, (1 << 31) - 1, 1 << 32)
NUMBERS += (1 << 40, 1 << 58, (1 << 63) - 1, 1 << 63, (1 << 64) - 36, (1 << 64) - 1)


class Field(NamedTuple):
    """A number of a header, or a text with the length before it."""

    start: int
    width: int
    text: bool = False


def changed(rng: Random, data: bytes) -> bytes:
    """Return the file with one to three numbers or texts of its header changed."""
    out = data
    places = list(fields(data))
    for field in sorted(rng.sample(places, rng.choice((1, 1, 1, 2, 3))), reverse=True):  # from behind
        end = field.start + field.width
        out = out[: field.start] + _other(rng, field, out[field.start : end]) + out[end:]
    return out


def _other(rng: Random, field: Field, old: bytes) -> bytes:
    if field.text:
        text = rng.choice((*STRINGS, "a.weight", "general.alignment")).encode("utf-8", "surrogatepass")
        return struct.pack("<Q", len(text)) + text
    number = int.from_bytes(old, "little")
    new = rng.choice((*NUMBERS, number + 1, number - 1, number * 2, number ^ 1 << rng.randrange(64)))
    return (new % (1 << 8 * field.width)).to_bytes(field.width, "little")


def fields(data: bytes) -> Iterator[Field]:
    """Yield the numbers and texts of a valid file's header, in order."""
    at = 4

    def number(width: int) -> tuple[Field, int]:
        nonlocal at
        found = Field(at, width)
        at += width
        return found, int.from_bytes(data[found.start : at], "little")

    def text() -> Field:
        nonlocal at
        found = Field(at, 8 + int.from_bytes(data[at : at + 8], "little"), text=True)
        at += found.width
        return found

    yield number(4)[0]
    (tensors, count), (entries, keys) = number(8), number(8)
    yield from (tensors, entries)
    for _ in range(keys):
        yield text()
        field, kind = number(4)
        yield field
        length = 1
        if kind == _LIST:
            (inner, kind), (size, length) = number(4), number(8)
            yield from (inner, size)
        for _ in range(length):
            yield text() if kind == _STRING else number(_WIDTHS[kind])[0]
    for _ in range(count):
        yield text()
        field, rank = number(4)
        yield field
        for width in (*[8] * rank, 4, 8):
            yield number(width)[0]
