"""The bytes of one quantized weight, wherever they lie in its file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fos_ref.formats.arrays import AnyArray, U8
from fos_ref.recipes.recipe import BLOCK
from fos_ref.storage.conventions import CODES_PER_BYTE
from fos_ref.storage.gguf_blocks import BLOCK_FORMS
from fos_ref.storage.held import Held, ScaleLayout
from fos_ref.storage.layout import from_short_tiles, short_shape, swizzled_shape, unswizzle

CHUNK_BYTES = 1 << 20  #: of packed codes, read at once; at least 16 rows
TILE = BLOCK  #: rows of a 16x16 tile


class Readable(Protocol):
    """What a checkpoint offers."""

    def read_bytes(self, name: str, start: int, stop: int) -> U8:
        """Return bytes of a tensor."""

    def read_values(self, name: str, start: int, stop: int) -> AnyArray:
        """Return values of a tensor."""


def codes_of(file: Readable, held: Held, rows: slice) -> U8:
    """Return rows of packed codes (R, K/2) as they lie in the file."""
    if held.interleaved:
        return _blocks_of(file, held, rows)[0]
    half = held.shape[1] // CODES_PER_BYTE
    if held.turned:
        first = held.first_row * half
        whole = file.read_bytes(held.codes.name, first, first + held.code_bytes)
        return np.ascontiguousarray(whole.reshape(half, -1)[:, rows].T)
    start, stop = held.first_row + rows.start, held.first_row + rows.stop
    return file.read_bytes(held.codes.name, start * half, stop * half).reshape(-1, half)


def scales_of(file: Readable, held: Held) -> U8:
    """Return the block scales of a weight as they lie in the file, flat."""
    if held.interleaved:
        parts = [_blocks_of(file, held, rows)[1] for rows in row_chunks(held)]
        return np.concatenate(parts).reshape(-1)
    raw = file.read_bytes(held.block_scales.name, held.first_scale, held.first_scale + held.scale_bytes)
    return np.ascontiguousarray(raw.reshape(held.scale_shape[::-1]).T).reshape(-1) if held.turned else raw


@dataclass(slots=True)
class Packed:
    """The bytes of one weight: its block scales, and its codes as they are asked for, a small one's once."""

    file: Readable
    held: Held
    scales: U8  #: as they lie in the file, flat
    _codes: U8 | None = None

    @classmethod
    def of(cls, file: Readable, held: Held) -> Packed:
        """Read the block scales."""
        return cls(file, held, scales_of(file, held))

    def codes(self, rows: slice) -> U8:
        """Return rows of packed codes (R, K/2)."""
        if self._codes is None and self.held.code_bytes <= CHUNK_BYTES:
            self._codes = codes_of(self.file, self.held, slice(0, self.held.shape[0]))
        return codes_of(self.file, self.held, rows) if self._codes is None else self._codes[rows]


def row_chunks(held: Held) -> Iterator[slice]:
    """Return the rows of a weight in chunks, whole tiles of rows where there are any."""
    rows, half = held.shape[0], held.shape[1] // CODES_PER_BYTE
    step = max(1, (CHUNK_BYTES << 5 * held.turned) // (half * TILE)) * TILE  # a turned one is read whole
    for row in range(0, rows, step):
        yield slice(row, min(row + step, rows))


def code_chunks(file: Readable, held: Held) -> Iterator[tuple[slice, U8]]:
    """Read the packed codes of a weight as (rows, (R, K/2))."""
    for rows in row_chunks(held):
        yield rows, codes_of(file, held, rows)


def linear(raw: U8, held: Held, layout: ScaleLayout) -> U8:
    """Return flat scale bytes of `layout` as (N, K/block)."""
    rows, cols = held.scale_shape
    match layout:
        case ScaleLayout.SWIZZLED:
            return unswizzle(raw, rows, cols)
        case ScaleLayout.TRANSPOSED:
            return raw.reshape(cols, rows).T
        case ScaleLayout.SHORT:
            return from_short_tiles(raw, rows, cols)
        case ScaleLayout.LINEAR:
            return raw.reshape(rows, cols)


def fits_short_tiles(held: Held) -> bool:
    """Return whether the scale bytes could lie in tiles of 8x4 that differ from linear ones."""
    return held.scale_shape[1] > short_shape(1, 1)[1] and short_shape(*held.scale_shape) == held.scale_shape


def padding_of(raw: U8, held: Held, layout: ScaleLayout) -> U8:
    """Return the scale bytes that stand for no block."""
    if layout is ScaleLayout.SWIZZLED:
        rows, cols = swizzled_shape(*held.scale_shape)
        whole = unswizzle(raw, rows, cols)
    elif layout is ScaleLayout.SHORT:
        rows, cols = short_shape(*held.scale_shape)
        whole = from_short_tiles(raw, rows, cols)
    else:
        return np.empty(0, dtype=np.uint8)
    n, b = held.scale_shape
    return np.concatenate([whole[n:].reshape(-1), whole[:n, b:].reshape(-1)])


def tensor_scale_of(file: Readable, held: Held) -> np.float32 | None:
    """Return the tensor scale in the file, None where there is none."""
    if held.tensor_scale is None:
        return None
    at = held.tensor_scale_at
    return np.float32(file.read_values(held.tensor_scale.name, at, at + 1)[0])


def _blocks_of(file: Readable, held: Held, rows: slice) -> tuple[U8, U8]:
    """Return (packed codes, block scales) of rows of ggml's blocks."""
    form = BLOCK_FORMS[held.codes.dtype]
    size = held.shape[1] // form.values * form.nbytes
    start, stop = held.first_row + rows.start, held.first_row + rows.stop
    raw = file.read_bytes(held.codes.name, start * size, stop * size)
    cut = raw.reshape(rows.stop - rows.start, -1, form.nbytes)
    codes, scales = cut[..., form.scales :], cut[..., : form.scales]
    return codes.reshape(len(cut), -1), scales.reshape(len(cut), -1)
