"""N15, N16: two codes a byte and the 128x4 scale swizzle, byte by byte."""

from __future__ import annotations

import numpy as np
import pytest

import fos_ref
from fos_ref.errors import DtypeError, ShapeError
from fos_ref.storage.layout import pack_nibbles, swizzled_shape, unpack_nibbles

SHAPES = [
    (1, 1),
    (1, 4),
    (31, 3),
    (32, 4),
    (33, 5),
    (127, 7),
    (128, 4),
    (129, 4),
    (128, 5),
    (300, 13),
    (257, 1),
]


def _bytes(rows: int, cols: int) -> np.ndarray:
    return np.random.default_rng(rows * 1000 + cols).integers(1, 256, (rows, cols), dtype=np.uint8)


def test_n15_element_2j_is_in_the_low_nibble() -> None:
    codes = np.array([[0x1, 0x2, 0xF, 0x0]], np.uint8)
    assert pack_nibbles(codes).tobytes() == b"\x21\x0f"
    assert unpack_nibbles(np.array([[0x21, 0x0F]], np.uint8)).tolist() == [[0x1, 0x2, 0xF, 0x0]]


def test_n15_every_pair_of_codes_round_trips() -> None:
    pairs = np.stack(np.meshgrid(np.arange(16), np.arange(16)), axis=-1).reshape(1, -1).astype(np.uint8)
    assert np.array_equal(unpack_nibbles(pack_nibbles(pairs)), pairs)


def test_n15_every_byte_round_trips() -> None:
    packed = np.arange(256, dtype=np.uint8).reshape(4, 64)
    assert np.array_equal(pack_nibbles(unpack_nibbles(packed)), packed)


@pytest.mark.parametrize("shape", [(0, 16), (3, 0), (2, 3, 16), (16,)])
def test_n15_any_rank_and_empty_arrays(shape: tuple[int, ...]) -> None:
    codes = np.random.default_rng(1).integers(0, 16, shape, dtype=np.uint8)
    assert pack_nibbles(codes).shape == (*shape[:-1], shape[-1] // 2)
    assert np.array_equal(unpack_nibbles(pack_nibbles(codes)), codes)


def test_n15_a_code_above_15_spills_into_the_high_nibble_by_or() -> None:
    assert pack_nibbles(np.array([18, 1], np.uint8)).tolist() == [18 | 1 << 4]


def test_n15_an_odd_axis_is_an_error() -> None:
    with pytest.raises(ShapeError, match=r"\(2, 3\).*must be even"):
        pack_nibbles(np.zeros((2, 3), np.uint8))


@pytest.mark.parametrize("shape", SHAPES)
def test_n16_swizzle_is_the_closed_formula_byte_by_byte(shape: tuple[int, int]) -> None:
    rows, cols = shape
    scales = _bytes(rows, cols)
    tiles_across = -(-cols // 4)
    want = bytearray(-(-rows // 128) * tiles_across * 512)
    for r in range(rows):
        for k in range(cols):
            at = ((r // 128) * tiles_across + k // 4) * 512 + (r % 32) * 16 + (r % 128 // 32) * 4 + k % 4
            assert want[at] == 0  # no two scales share a byte
            want[at] = scales[r, k]
    assert fos_ref.swizzle(scales).tobytes() == bytes(want)


def test_n16_one_tile_in_hex() -> None:
    """Rows 0, 32, 64, 96 share the first 16 bytes; row 1 starts the next 16."""
    scales = np.zeros((128, 4), np.uint8)
    scales[[0, 32, 64, 96, 1]] = [
        [1, 2, 3, 4],
        [5, 6, 7, 8],
        [9, 10, 11, 12],
        [13, 14, 15, 16],
        [17, 18, 19, 20],
    ]
    assert fos_ref.swizzle(scales)[:20].tolist() == list(range(1, 21))


@pytest.mark.parametrize("shape", SHAPES)
def test_n16_round_trip_and_zeroed_padding(shape: tuple[int, int]) -> None:
    rows, cols = shape
    scales = _bytes(rows, cols)  # no zero among them, so that every zero is padding
    flat = fos_ref.swizzle(scales)
    padded_rows, padded_cols = swizzled_shape(rows, cols)
    assert flat.size == padded_rows * padded_cols
    assert np.count_nonzero(flat == 0) == flat.size - rows * cols
    assert np.array_equal(fos_ref.unswizzle(flat, rows, cols), scales)


def test_n16_poisoned_padding_is_dropped() -> None:
    scales = _bytes(33, 5)
    flat = fos_ref.swizzle(scales)
    poisoned = np.where(flat == 0, np.uint8(0x7F), flat)
    assert np.array_equal(fos_ref.unswizzle(poisoned, 33, 5), scales)


def test_n16_strided_and_empty_inputs() -> None:
    wide = _bytes(64, 16)
    assert fos_ref.swizzle(wide[::2, 1::3]).tobytes() == fos_ref.swizzle(wide[::2, 1::3].copy()).tobytes()
    assert fos_ref.swizzle(np.zeros((0, 4), np.uint8)).size == 0
    assert fos_ref.unswizzle(np.zeros(0, np.uint8), 0, 4).shape == (0, 4)


def test_n16_wrong_inputs_are_errors() -> None:
    with pytest.raises(ShapeError, match=r"511 bytes.*512 are needed"):
        fos_ref.unswizzle(np.zeros(511, np.uint8), 128, 4)
    with pytest.raises(ShapeError, match="2 dimensions"):
        fos_ref.swizzle(np.zeros(4, np.uint8))
    with pytest.raises(DtypeError, match="float32"):
        fos_ref.swizzle(np.zeros((4, 4), np.float32))
