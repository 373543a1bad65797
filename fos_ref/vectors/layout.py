"""The scale swizzle as data: for each place of a scale, its offset in the 128x4 layout (N16)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fos_ref.errors import GoldenFormatError
from fos_ref.storage.layout import swizzle, swizzled_shape, unswizzle
from fos_ref.vectors.bits import Json
from fos_ref.vectors.bits_text import to_hex
from fos_ref.vectors.canonical import FORMAT, parse
from fos_ref.vectors.schema import check

NAME = "v1/layout.json"
KIND = "layout"
_BYTE = 256
_COMMENT = (
    "offsets[r] says of each scale of row r where its byte stands in the 128x4 layout of `bytes` bytes, in "
    "four hex digits. Every other byte of the layout is padding and 0."
)
#: Rows and columns of scales, and what the shape is for.
_SHAPES = (
    ((1, 1), "one scale"),
    ((5, 3), "less than a tile, both ways"),
    ((33, 4), "the second group of 32 rows begins"),
    ((128, 4), "one whole tile"),
    ((129, 5), "one row and one column more than a tile: four tiles"),
    ((40, 9), "three tiles side by side, none of them full"),
)


def document() -> Json:
    """Return the maps of the layout."""
    return {
        "format": FORMAT,
        "kind": KIND,
        "comment": _COMMENT,
        "maps": [_map(i, shape, comment) for i, (shape, comment) in enumerate(_SHAPES, 1)],
    }


def _map(number: int, shape: tuple[int, int], comment: str) -> Json:
    rows, cols = swizzled_shape(*shape)
    places = offsets(shape)
    linear = np.arange(shape[0] * shape[1]).reshape(shape)
    flags = ["ScaleLayout"] if not np.array_equal(places, linear) else []
    return {
        "id": f"layout/swizzle/{number}",
        "comment": comment,
        "flags": flags,
        "shape": list(shape),
        "bytes": rows * cols,
        "offsets": to_hex(places.astype(np.uint16)),
    }


def offsets(shape: tuple[int, int]) -> Any:
    """Return the offset of every scale (R, B), read off what `swizzle` does with numbered scales."""
    size = swizzled_shape(*shape)[0] * swizzled_shape(*shape)[1]
    places = np.zeros(shape, dtype=np.int64)
    digit = 0
    while _BYTE**digit < size:
        number = (np.arange(size) // _BYTE**digit % _BYTE).astype(np.uint8)
        places += unswizzle(number, *shape).astype(np.int64) * _BYTE**digit
        digit += 1
    return places


def failures(data: bytes) -> list[str]:
    """Return the ids of the maps that `swizzle` and `unswizzle` do not follow.

    Raises: GoldenFormatError for another form than `document` has.
    """
    found = parse(data, NAME)
    check(found, KIND, NAME)
    ids = [m["id"] for m in found["maps"]]
    if len(set(ids)) < len(ids):
        msg = f"{NAME}: an id stands there twice"
        raise GoldenFormatError(msg)
    return [m["id"] for m in found["maps"] if not _follows(m)]


def _follows(m: Json) -> bool:
    """Return whether scales of a map land where it says, with zeros around them, and come back."""
    rows, cols = m["shape"]
    places = [[int(v, 16) for v in row.split(" ")] for row in m["offsets"]]
    if len(places) != rows or any(len(row) != cols for row in places):
        return False
    if math.prod(swizzled_shape(rows, cols)) != m["bytes"] or max(map(max, places)) >= m["bytes"]:
        return False
    scales = (1 + np.arange(rows * cols) % (_BYTE - 1)).astype(np.uint8).reshape(rows, cols)
    want = np.zeros(m["bytes"], dtype=np.uint8)
    want[np.array(places)] = scales
    return bool(np.array_equal(swizzle(scales), want) and np.array_equal(unswizzle(want, rows, cols), scales))
