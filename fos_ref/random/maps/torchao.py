"""The maps of torchao's NVFP4 training kernels: Triton's, which autotuning moves, and CuTe's."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from fos_ref.formats.arrays import I64
from fos_ref.random.maps.wordmap import Asked, Generator, indexed_draws, Places, WordMap
from fos_ref.random.philox import U64

_SOURCE = "pytorch/ao@36027d82:torchao/prototype/moe_training/nvfp4_training/"
_GROUP = 8  #: tiles of features that one group of the persistent grid takes
_WORD = np.uint64(0xFFFFFFFF)


def _tile_number(down: I64, across: I64, grid: tuple[int, int]) -> I64:
    """Return the tile_id whose `_compute_pid` is (across, down), of a grid of (token, feature) tiles.

    Groups of eight columns of tiles come one after the other, each row by row; the last may be narrower, and
    its rows begin where `tile_id % width` is zero.
    """
    rows, columns = grid
    first = across // _GROUP * _GROUP
    width = np.minimum(columns - first, _GROUP)
    start = first * rows
    return start + down * width + (across - first - start) % width


def _triton(asked: Asked) -> Places:
    """Return the places of a copy: one word for each packed byte of a tile, of which two in four are used."""
    tokens, features = int(asked.options["tile_tokens"]), int(asked.options["tile_features"])
    column = 4 * asked.groups
    byte = column // 8 * 4 + asked.groups % 2
    if asked.options["copy"] == "row":
        height, width, shape = tokens, features, asked.shape
        down, across = asked.rows // height, column // width
    else:
        height, width, shape = features, tokens, (asked.shape[1], asked.shape[0])
        down, across = column // width, asked.rows // height
    tile = _tile_number(down, across, (-(-shape[0] // tokens), -(-shape[1] // features)))
    inside = asked.rows % height * (width // 2) + byte % (width // 2)
    index = tile * (tokens * features // 2) + inside
    key = np.array(asked.seed, dtype=np.uint64)
    return indexed_draws(index, key, low=asked.offset & int(_WORD))


#: What a block's state is turned into before its four words are mixed.
_TURNS = np.array([0, 0x9E3779B9, 0x7F4A7C15, 0xBB67AE85], dtype=np.uint64)
_ROW, _BLOCK, _ROW_TAG = np.uint64(0x9E3779B1), np.uint64(0x85EBCA77), np.uint64(0x00B00200)
_COLUMN_TAG = np.uint64(0x00C01000)
_SUPER_TILE = 256  #: tokens, whose number is not in the state of a column block
_SEED = 0x7FFFFFFF  #: the sign bit of seed ^ offset is dropped on the way to the kernel


def _cute_row(asked: Asked) -> Places:
    """Return the places of x's rows: row and block are mixed into the state by two odd multipliers."""
    row, block = asked.rows.astype(np.uint64), (asked.groups // 4).astype(np.uint64)
    return _turned(asked, (row * _ROW & _WORD) ^ (block * _BLOCK & _WORD) ^ _ROW_TAG)


def _cute_column(asked: Asked) -> Places:
    """Return the places of the rotated x^T, (features, tokens): the state has the place in 256 tokens."""
    row, block = asked.rows.astype(np.uint64), (asked.groups // 4).astype(np.uint64)
    inside = block % np.uint64(_SUPER_TILE // 16)
    return _turned(asked, (row << np.uint64(8) & _WORD) ^ inside ^ _COLUMN_TAG)


def _turned(asked: Asked, state: U64) -> Places:
    """Return the four numbers that a block's state gives the finalizer; the seed is in each of them."""
    base = np.uint64((asked.seed ^ asked.offset) & _SEED)
    turned = base ^ state ^ _TURNS[asked.groups % 4]
    counter = np.zeros((*turned.shape, 4), dtype=np.uint32)
    counter[..., 0] = turned
    return Places(counter, np.zeros_like(asked.groups), np.array(0, dtype=np.uint64))


TORCHAO_MAPS = (
    WordMap(
        name="torchao-triton",
        source=f"{_SOURCE}hadamard_utils.py::_pack_fp4",
        multiple=(128, 128),
        place=_triton,
        options=MappingProxyType(
            {"copy": ("row", "column"), "tile_tokens": (128, 256), "tile_features": (128, 256)}
        ),
        shares="none",
    ),
    WordMap(
        name="torchao-cute-row",
        source=f"{_SOURCE}_cutedsl_kernels_impl.py::_pack16",
        generator=Generator.MURMUR3_FINALIZER,
        multiple=(256, 128),
        place=_cute_row,
        shares="blocks whose turned states meet: 2,128 words of a 4096x4096 tensor, none of a small one",
    ),
    WordMap(
        name="torchao-cute-column",
        source=f"{_SOURCE}_cutedsl_kernels_impl.py::_pack16",
        generator=Generator.MURMUR3_FINALIZER,
        multiple=(128, 256),
        place=_cute_column,
        shares="tokens 256 apart: the number of the 256-token tile is not in the state",
    ),
)
