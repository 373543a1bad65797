"""Words of one vector as text and back, and the whole numbers that inputs are drawn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fos_ref.formats.arrays import AnyArray, F32, U32
from fos_ref.formats.bits import canonical_nan
from fos_ref.vectors.bits import Json
from fos_ref.vectors.words import words as splitmix

_UNSIGNED = {2: np.uint8, 4: np.uint16, 8: np.uint32}


def line(a: AnyArray, digits: int) -> str:
    """Return whole numbers as one string of hex numbers with so many digits."""
    return " ".join(f"{int(v):0{digits}X}" for v in np.ravel(a))


def lines(a: AnyArray, digits: int) -> list[str]:
    """Return the rows of a (R, C) of whole numbers, a string each."""
    return [line(row, digits) for row in a]


def f32_line(v: AnyArray) -> str:
    """Return float32 values as their bits; a NaN is 7FC00000."""
    return line(canonical_nan(np.asarray(v, dtype=np.float32)).view(np.uint32), 8)


def numbers(text: str) -> AnyArray:
    """Return the numbers of one string."""
    found = text.split(" ")
    return np.array([int(w, 16) for w in found], dtype=_UNSIGNED[len(found[0])])


def floats(text: str) -> F32:
    """Return float32 values from their bits."""
    return numbers(text).view(np.float32)


def rows(text: list[str]) -> AnyArray:
    """Return a (R, C) from its rows."""
    return np.stack([numbers(t) for t in text])


def drawn(seed: int, shape: tuple[int, ...]) -> U32:
    """Return random words of 32 bits, the high halves of SplitMix64."""
    size = int(np.prod(shape))
    return (splitmix(seed, size) >> np.uint64(32)).astype(np.uint32).reshape(shape)


def values(seed: int, shape: tuple[int, ...], spread: int = 8) -> F32:
    """Return random float32 values: exponents from -spread / 2 on, zero now and then."""
    w = drawn(seed, shape)
    exponent = 127 - spread // 2 + (w >> np.uint32(23) & np.uint32(0xFF)) % np.uint32(spread)
    bits = w & np.uint32(0x807FFFFF) | exponent.astype(np.uint32) << np.uint32(23)
    return np.where(w & np.uint32(31), bits, w & np.uint32(0x80000000)).astype(np.uint32).view(np.float32)


def differing(right: Any, wrong: Mapping[str, Callable[[], Any]]) -> Json:
    """Return what the mistakes give, those that do not show left out."""
    found = {name: give() for name, give in wrong.items()}
    return {name: v for name, v in found.items() if v != right}


__all__ = ["differing", "drawn", "f32_line", "floats", "line", "lines", "numbers", "rows", "values"]
