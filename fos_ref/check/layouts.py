"""Layouts in which codes and scales may have been written: index maps, so that each can be read back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fos_ref.formats.arrays import AnyArray, Bool, I64, U8
from fos_ref.model.blocks import to_blocks
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.layout import (
    from_halves,
    one_a_byte,
    SHORT_ROWS,
    stored,
    swap_nibbles,
    swizzle,
    swizzled_shape,
    TILE_COLS,
)

ScaleLayout = Literal["linear", "swizzled"]
LOST = -1  #: a byte that the layout cut off
LEAST_MOVED = 4  #: known bytes that a lossy layout reads from another place than the one asked for
_TOKENS = 4  #: rows whose scales stand side by side for the kernels that read V: FlashInfer, TensorRT-LLM


@dataclass(frozen=True, slots=True)
class Reading:
    """Bytes read as one layout has them. The blocks are those of x, or of x transposed."""

    flags: tuple[str, ...]  #: none for the layout that was asked for
    what: str
    transposed: bool
    codes: U8  #: (R, C / 2), or (R, C) of codes that have a byte each
    scales: U8  #: (R, B)
    known: Bool | None  #: (R, B) False where the layout lost a scale byte; None: all are there

    def blocks(self, r: Recipe) -> Bytes:
        """Return the bytes block by block."""
        codes = to_blocks(self.codes, r.block_rows, r.block_bytes)
        known = None if self.known is None else _column(self.known, r)
        return Bytes(codes.reshape(-1, codes.shape[-1]), _column(self.scales, r), known)


def _column(a: AnyArray, r: Recipe) -> AnyArray:
    return to_blocks(a, r.block_rows, 1).reshape(-1, r.block_rows)


@dataclass(frozen=True, slots=True)
class Bytes:
    """What blocks consist of: codes as they are stored, the scale byte on each of a block's rows."""

    codes: U8  #: (N, n/2), or (N, n) of codes that have a byte each
    scales: U8  #: (N, block rows)
    known: Bool | None = None
    void: Bool | None = None  #: (N,) blocks that are explained already: whatever is said of them is right

    @property
    def seen(self) -> Bool:
        """Return (N,): where bytes can speak for or against something. A block with a lost byte cannot."""
        everywhere: Bool = np.ones(len(self.codes), dtype=np.bool_)
        seen = everywhere if self.known is None else np.asarray(self.known.all(axis=1))
        return seen if self.void is None else seen & ~self.void

    def equal(self, codes: U8, scale: U8, free: Bool | None = None) -> Bool:
        """Return (N,): where no byte contradicts codes (N, n/2), scale (N,); `seen` says where one speaks.

        free: (N,) where the codes may be anything
        """
        codes_same = (self.codes == codes).all(axis=1)
        same = self.same_scale(scale) & (codes_same if free is None else codes_same | free)
        return np.asarray(same if self.void is None else same | self.void)

    def same_scale(self, scale: U8) -> Bool:
        """Return (N,): where the scale byte is `scale`."""
        same = self.scales == scale[:, None]
        return np.asarray((same if self.known is None else same | ~self.known).all(axis=1))

    def pick(self, index: I64) -> Bytes:
        """Return some of the blocks."""
        known, void = (None if a is None else a[index] for a in (self.known, self.void))
        return Bytes(self.codes[index], self.scales[index], known, void)


# --- scales --------------------------------------------------------------------------------------------


def sizes(rows: int, cols: int) -> set[int]:
    """Return how many scale bytes a tensor of rows x cols scales may have: bare, or padded to whole tiles."""
    padded_rows, padded_cols = swizzled_shape(rows, cols)
    short = -(-rows // SHORT_ROWS) * SHORT_ROWS
    return {rows * cols, padded_rows * padded_cols, short * padded_cols}


def scale_maps(rows: int, cols: int, size: int, asked: ScaleLayout) -> Iterator[tuple[str, str, I64]]:
    """Yield (flag, words, position of each linear byte) of `size` bytes; the layout asked for has no flag."""
    r, k = np.meshgrid(np.arange(rows), np.arange(cols), indexing="ij")
    linear, swizzled = r * cols + k, _swizzled_at(rows, cols)
    padded_cols = swizzled_shape(rows, cols)[1]
    other = "ScaleLayout"
    maps = {
        "linear": (other, "in linear order", linear),
        "swizzled": (other, "in the 128x4 swizzle", swizzled),
        "padded": (other, "linear, but padded to whole 128x4 tiles", r * padded_cols + k),
        "8x4": (other, "in the 8x4 swizzle", _short_at(r, k, padded_cols)),
        "back": (other, "unswizzled although they were linear", _inverse(swizzled, rows * cols)),
        "tokens": (other, "in groups of 4 rows, as V scales of a KV cache are", _of_tokens(r, k, cols)),
        "columns": ("ScaleTransposed", "column by column", k * rows + r),
    }
    if size != rows * cols and asked == "linear":
        for bare in ("linear", "columns", "back"):
            del maps[bare]
    first = maps.pop(asked, None)
    if first is not None:
        yield "", "", _kept(first[2], size)
    for flag, words, at in maps.values():
        yield flag, f"block scales are {words}", _kept(at, size)


def _kept(at: I64, size: int) -> I64:
    return np.where(at < size, at, LOST)


def _swizzled_at(rows: int, cols: int) -> I64:
    """Return where the 128x4 layout puts each scale (rows, cols)."""
    counted = np.arange(1, rows * cols + 1).reshape(rows, cols)
    planes = [
        swizzle(((counted >> shift) & 0xFF).astype(np.uint8)).astype(np.int64) for shift in (0, 8, 16, 24)
    ]
    flat = planes[0] | planes[1] << 8 | planes[2] << 16 | planes[3] << 24
    at = np.empty(rows * cols, dtype=np.int64)
    filled = np.flatnonzero(flat)
    at[flat[filled] - 1] = filled
    return at.reshape(rows, cols)


def _short_at(r: I64, k: I64, padded_cols: int) -> I64:
    tile = (r // SHORT_ROWS) * (padded_cols // TILE_COLS) + k // TILE_COLS
    return tile * SHORT_ROWS * TILE_COLS + (r % SHORT_ROWS) * TILE_COLS + k % TILE_COLS


def _of_tokens(r: I64, k: I64, cols: int) -> I64:
    """Return where the four scales of a column stand together; of a rest of rows as of whole groups."""
    return r // _TOKENS * _TOKENS * cols + k * _TOKENS + r % _TOKENS


def _inverse(at: I64, size: int) -> I64:
    """Return the inverse of a permutation; all lost where `at` is none, because of padding."""
    if at.size and at.max() >= size:
        return np.full(at.shape, LOST)
    inverse = np.empty(at.size, dtype=np.int64)
    inverse[at.ravel()] = np.arange(at.size)
    return inverse.reshape(at.shape)


def _read(scales: U8, at: I64) -> tuple[U8, Bool | None]:
    known = at != LOST
    return scales[np.where(known, at, 0)], None if known.all() else known


# --- codes ---------------------------------------------------------------------------------------------


def _code_readings(codes: U8, r: Recipe) -> Iterator[tuple[str, str, U8]]:
    yield "", "", codes
    if r.codes_per_byte == 1:
        return
    yield "NibbleOrder", "the even element is in the high nibble of its byte", swap_nibbles(codes)
    words = f"a byte holds element j low and element j + {r.block_cols // 2} high"
    yield "NibbleOrder", words, from_halves(codes, r.block_cols)


# --- both ----------------------------------------------------------------------------------------------


def readings(codes: U8, scales: U8, r: Recipe, asked: ScaleLayout = "linear") -> Iterator[Reading]:
    """Yield the bytes as every layout has them, the one asked for first if the sizes allow it.

    Shapes: codes (R, C / 2) or (R, C), scales flat: see `sizes`
    """
    rows, cols = codes.shape[0], codes.shape[1] // r.block_bytes
    yield from _combined(codes, scales, r, (rows, cols), asked)


def transposed_readings(codes: U8, scales: U8, r: Recipe, asked: ScaleLayout = "linear") -> Iterator[Reading]:
    """Yield the bytes as those of x transposed: as one buffer, and with every code at its value's place.

    Nothing where the rows do not make whole blocks.
    """
    rows, width = codes.shape[0], codes.shape[1] * r.codes_per_byte
    if rows % r.block_cols or width % r.block_rows or not codes.size:
        return
    shape = (width, rows // r.block_cols)
    run = codes.reshape(width, rows // r.codes_per_byte)
    yield from _combined(run, scales, r, shape, asked, "Transposed")
    in_place = stored(np.ascontiguousarray(one_a_byte(codes, r).T), r)
    yield from _combined(in_place, scales, r, shape, asked, "Transposed")
    if scales.size == shape[0] * shape[1]:
        down = np.ascontiguousarray(scales.reshape(shape[1], shape[0]).T).reshape(-1)
        yield from _combined(in_place, down, r, shape, asked, "Transposed")


def _says_nothing(at: I64, first: I64) -> bool:
    """Return whether a layout reads nearly all bytes that it did not lose from where the first one does."""
    if not at.size or at is first:
        return False
    moved = np.count_nonzero((at != LOST) & (at != first))
    return bool(moved < (LEAST_MOVED if (at == LOST).any() else 1))


def turned_codes(codes: U8, index: I64, r: Recipe) -> Iterator[U8]:
    """Yield the codes of some rows of x transposed, as `transposed_readings` has them."""
    rows, many = codes.shape[0], r.codes_per_byte
    shift = (index % many * r.element.width).astype(np.uint8)
    mask = np.uint8((1 << r.element.width) - 1) if many > 1 else np.uint8(0xFF)
    in_place = stored(np.ascontiguousarray(((codes[:, index // many] >> shift) & mask).T), r)
    for some in (codes.reshape(codes.shape[1] * many, rows // many)[index], in_place):
        yield from (c for _, _, c in _code_readings(some, r))


def _combined(  # noqa: PLR0917 -- one call for each orientation
    codes: U8, scales: U8, r: Recipe, shape: tuple[int, int], asked: ScaleLayout, outer: str = ""
) -> Iterator[Reading]:
    maps = list(scale_maps(*shape, scales.size, asked))
    turned = "blocks run down the columns" if outer else ""
    for code_flag, code_words, read_codes in _code_readings(codes, r):
        for scale_flag, scale_words, at in maps:
            if _says_nothing(at, maps[0][2]):
                continue
            flags = tuple(f for f in (outer, code_flag, scale_flag) if f)
            words = "; ".join(w for w in (turned, code_words, scale_words) if w)
            read_scales, known = _read(scales, at)
            yield Reading(flags, words, bool(outer), read_codes, read_scales, known)
